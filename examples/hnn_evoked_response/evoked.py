"""Drives of the evoked response to a supra-threshold touch: two that are known, and a third that is fitted."""

TO_PROXIMAL = {"L2_basket": 0.1, "L2_pyramidal": 0.1, "L5_basket": 1.0, "L5_pyramidal": 1.0}  # ms
TO_DISTAL = {"L2_basket": 0.1, "L2_pyramidal": 0.1, "L5_pyramidal": 0.1}  # ms


def set_params(net, params):
    """Add the drives to a network of hnn-core, as its own ``Optimizer`` wants it.

    Parameters
    ----------
    net : hnn_core.Network
        Without drives.
    params : mapping of str to float
        ``evprox2_mu`` and ``evprox2_sigma`` in ms, and the weights of AMPA and NMDA synapses in uS, such as
        ``evprox2_ampa_L2_basket``.
    """
    net.add_evoked_drive(
        "evprox1",
        mu=5.6813,
        sigma=20.3969,
        numspikes=1,
        location="proximal",
        weights_ampa={"L2_basket": 0.2913, "L2_pyramidal": 0.9337, "L5_basket": 0.1951, "L5_pyramidal": 0.3602},
        weights_nmda={"L2_basket": 0.9240, "L2_pyramidal": 0.0845, "L5_basket": 0.5849, "L5_pyramidal": 0.65105},
        synaptic_delays=TO_PROXIMAL,
    )
    net.add_evoked_drive(
        "evdist1",
        mu=58.6539,
        sigma=5.5810,
        numspikes=1,
        location="distal",
        weights_ampa={"L2_basket": 0.8037, "L2_pyramidal": 0.5738, "L5_pyramidal": 0.3626},
        weights_nmda={"L2_basket": 0.2492, "L2_pyramidal": 0.6183, "L5_pyramidal": 0.1121},
        synaptic_delays=TO_DISTAL,
    )
    net.add_evoked_drive(
        "evprox2",
        mu=params["evprox2_mu"],
        sigma=params["evprox2_sigma"],
        numspikes=1,
        location="proximal",
        weights_ampa={cell: params[f"evprox2_ampa_{cell}"] for cell in TO_PROXIMAL},
        weights_nmda={cell: params[f"evprox2_nmda_{cell}"] for cell in TO_PROXIMAL},
        synaptic_delays=TO_PROXIMAL,
    )
