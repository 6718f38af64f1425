: Hyperpolarisation-activated cation current, with one gate that opens below `half`

NEURON {
    SUFFIX ih
    NONSPECIFIC_CURRENT i
    RANGE gbar, half, tau, e
    THREADSAFE
}

UNITS {
    (mV) = (millivolt)
    (mA) = (milliamp)
    (S) = (siemens)
}

PARAMETER {
    gbar = 1e-5 (S/cm2)
    half = -80 (mV)
    tau = 60 (ms)
    e = -40 (mV)
}

ASSIGNED {
    v (mV)
    i (mA/cm2)
}

STATE { q }

INITIAL {
    q = qinf(v)
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    i = gbar * q * (v - e)
}

DERIVATIVE states {
    q' = (qinf(v) - q) / tau
}

FUNCTION qinf(v (mV)) {
    UNITSOFF
    qinf = 1 / (1 + exp((v - half) / 8))
    UNITSON
}
