from cxrlt_core.study.variants import drawn_sources


def test_drawn_are_those_sources_that_a_variant_or_its_start_has_seen(changed):
    replenished = "resnet50_t5_mixup_replenished"
    changes = {"demo.sources": ["mimic", "nih"], "variants.resnet50_t5_contrast_mixup.init": replenished}
    params = changed(changes)
    assert drawn_sources(params, "resnet50_bert_shared") == ["mimic"]
    assert drawn_sources(params, replenished) == ["mimic", "nih"]
    assert drawn_sources(params, "resnet50_t5_contrast_mixup") == ["mimic", "nih"]
    assert drawn_sources(changed({"demo.sources": []}), replenished) == []
