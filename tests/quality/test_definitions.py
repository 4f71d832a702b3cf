from mriseg.quality.definitions import FIGURES


def test_letters_are_mriqcs_where_the_figure_has_mriqcs_name():
    by_letters = {figure.letters: figure.key for figure in FIGURES if figure.letters}
    own = {"BPF": "brain_parenchymal_fraction", "GM/WM": "gm_wm_ratio"}  # no figures of MRIQC
    assert own.items() <= by_letters.items()
    short = {"median": "med", "snr": "snr_total", "snrd": "snrd_total"}
    for letters, key in by_letters.items() - own.items():
        assert "_".join(short.get(word, word) for word in letters.lower().split()) == key


def test_names_tell_figures_apart():
    names = [figure.name for figure in FIGURES]
    assert len(set(names)) == len(names)
