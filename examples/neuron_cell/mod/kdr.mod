: Delayed-rectifier potassium current, with the rates of Pospischil et al. (2008), Biological Cybernetics 99:427-441,
: eqs. of I_Kd, shifted and slowed by parameters; faster by 3 for every 10 degrees above 36

NEURON {
    SUFFIX kdr
    USEION k READ ek WRITE ik
    RANGE gbar, shift, slow
    THREADSAFE
}

UNITS {
    (mV) = (millivolt)
    (mA) = (milliamp)
    (S) = (siemens)
}

PARAMETER {
    gbar = 0.005 (S/cm2)
    shift = -60 (mV)
    slow = 1 (1)
}

ASSIGNED {
    v (mV)
    ek (mV)
    celsius (degC)
    ik (mA/cm2)
    ninf ntau
}

STATE { n }

INITIAL {
    rates(v)
    n = ninf
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    ik = gbar * n * n * n * n * (v - ek)
}

DERIVATIVE states {
    rates(v)
    n' = (ninf - n) / ntau
}

PROCEDURE rates(v (mV)) {
    LOCAL a, b, u
    UNITSOFF
    u = v - shift
    a = 0.032 * linear(u - 15, 5)
    b = 0.5 * exp(-(u - 10) / 40)
    ninf = a / (a + b)
    ntau = slow / (a + b) / 3^((celsius - 36) / 10)
    UNITSON
}

FUNCTION linear(x, width) {
    : x / (1 - exp(-x / width))
    if (fabs(x) < 1e-6) {
        linear = width
    } else {
        linear = x / (1 - exp(-x / width))
    }
}
