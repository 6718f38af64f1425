: Fast sodium current, with the rates of Pospischil et al. (2008), Biological Cybernetics 99:427-441, eqs. of I_Na,
: whose activation and inactivation are shifted and slowed by parameters; faster by 3 for every 10 degrees above 36

NEURON {
    SUFFIX naf
    USEION na READ ena WRITE ina
    RANGE gbar, shift, gap, slow
    THREADSAFE
}

UNITS {
    (mV) = (millivolt)
    (mA) = (milliamp)
    (S) = (siemens)
}

PARAMETER {
    gbar = 0.05 (S/cm2)
    shift = -60 (mV)
    gap = 0 (mV)
    slow = 1 (1)
}

ASSIGNED {
    v (mV)
    ena (mV)
    celsius (degC)
    ina (mA/cm2)
    minf htau hinf mtau
}

STATE { m h }

INITIAL {
    rates(v)
    m = minf
    h = hinf
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    ina = gbar * m * m * m * h * (v - ena)
}

DERIVATIVE states {
    rates(v)
    m' = (minf - m) / mtau
    h' = (hinf - h) / htau
}

PROCEDURE rates(v (mV)) {
    LOCAL a, b, u, factor
    UNITSOFF
    factor = slow / 3^((celsius - 36) / 10)
    u = v - shift
    a = 0.32 * linear(u - 13, 4)
    b = 0.28 * linear(40 - u, 5)
    minf = a / (a + b)
    mtau = factor / (a + b)
    a = 0.128 * exp(-(u - gap - 17) / 18)
    b = 4 / (1 + exp(-(u - gap - 40) / 5))
    hinf = a / (a + b)
    htau = factor / (a + b)
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
