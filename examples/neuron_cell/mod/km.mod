: Slow potassium current M, with the rates of Pospischil et al. (2008), Biological Cybernetics 99:427-441, eqs. of I_M

NEURON {
    SUFFIX km
    USEION k READ ek WRITE ik
    RANGE gbar, half, tau
    THREADSAFE
}

UNITS {
    (mV) = (millivolt)
    (mA) = (milliamp)
    (S) = (siemens)
}

PARAMETER {
    gbar = 1e-4 (S/cm2)
    half = -35 (mV)
    tau = 400 (ms)
}

ASSIGNED {
    v (mV)
    ek (mV)
    ik (mA/cm2)
    pinf ptau
}

STATE { p }

INITIAL {
    rates(v)
    p = pinf
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    ik = gbar * p * (v - ek)
}

DERIVATIVE states {
    rates(v)
    p' = (pinf - p) / ptau
}

PROCEDURE rates(v (mV)) {
    UNITSOFF
    pinf = 1 / (1 + exp(-(v - half) / 10))
    ptau = tau / (3.3 * exp((v - half) / 20) + exp(-(v - half) / 20))
    UNITSON
}
