"""Any network of sound of Hugging Face by name: tiny ones, made here, through the path of the large ones."""

import json

import numpy as np
import pytest
import torch
from transformers import (
    ASTConfig,
    ASTFeatureExtractor,
    ASTForAudioClassification,
    ASTModel,
    AutoFeatureExtractor,
    BertConfig,
    ClapAudioModelWithProjection,
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    Wav2Vec2ForSequenceClassification,
    Wav2Vec2Model,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForAudioClassification,
    WhisperModel,
)

import zoo
from zoo.audio import ontology
from zoo.core.errors import InputError, UnknownNameError, WeightsError

WORDS = ("yes", "no", "dog")
SOUNDS = ("Speech", "Bicycle bell", "Male speech, man speaking")
AUDIOSET = tuple(category.name for category in ontology.categories().values())[:527]


def names(labels):
    return {"id2label": dict(enumerate(labels)), "label2id": {name: i for i, name in enumerate(labels)}}


def save(folder, model, extractor):
    """Weights far from zero, so that logits tell inputs apart."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 0.3)
    model.save_pretrained(folder)
    extractor.save_pretrained(folder)
    return model.eval()


def ast(folder, labels=SOUNDS, model=ASTForAudioClassification, **options):
    config = ASTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, max_length=64,
        num_mel_bins=32, **names(labels), **options,
    )  # fmt: skip
    return save(folder, model(config), ASTFeatureExtractor(max_length=64, num_mel_bins=32))


def wav2vec2(folder, model=Wav2Vec2ForSequenceClassification):
    config = Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, conv_dim=(8, 8, 8),
        conv_stride=(5, 4, 4), conv_kernel=(10, 8, 8), num_feat_extract_layers=3, classifier_proj_size=8,
        num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2, **names(WORDS),
    )  # fmt: skip
    return save(folder, model(config), Wav2Vec2FeatureExtractor())


def clap(folder, fused=False):
    config = ClapConfig(
        text_config={"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "vocab_size": 9,
                     "intermediate_size": 8},
        audio_config={"hidden_size": 32, "patch_embeds_hidden_size": 4, "depths": [1, 1, 1, 1],
                      "num_attention_heads": [1, 1, 2, 2], "enable_fusion": fused},
        projection_dim=6,
    )  # fmt: skip
    extractor = ClapFeatureExtractor(truncation="fusion" if fused else "rand_trunc", max_length_s=10)
    return save(folder, ClapModel(config), extractor)


def whisper(folder, model=WhisperForAudioClassification):
    config = WhisperConfig(
        d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=16, decoder_ffn_dim=16, max_source_positions=100, num_mel_bins=8, vocab_size=20,
        pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1, classifier_proj_size=8,
        **names(WORDS),
    )  # fmt: skip
    return save(folder, model(config), WhisperFeatureExtractor(feature_size=8, chunk_length=2))


def noise(seconds, sample_rate=16000):
    return (np.random.default_rng(0).standard_normal(round(seconds * sample_rate)) * 0.1).astype(np.float32)


@pytest.fixture
def folder(tmp_path, empty_cache):
    torch.manual_seed(0)
    return tmp_path / "tiny"


def theirs(folder, model, windows, sample_rate=16000):
    """What transformers gives for windows, one by one."""
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    with torch.inference_mode():
        return torch.cat(
            [model(**extractor(w, sampling_rate=sample_rate, return_tensors="pt"))[0] for w in windows]
        )


@pytest.mark.parametrize("seconds", [0.3, 0.64, 2.0])
def test_a_multi_label_ast_hears_events(folder, seconds):
    """1e-5: the same network on the same features. Windows of 0.64 s every 0.32 s, the last moved back."""
    model = ast(folder, problem_type="multi_label_classification")
    net = zoo.load(f"hf:{folder}", device="cpu")
    assert net.spec.tasks == ("classify", "embed", "events")
    assert net.preprocessor.framing.window == 10240
    sound = noise(seconds)
    starts = {0.3: [0], 0.64: [0], 2.0: [0, 5120, 10240, 15360, 20480, 21760]}[seconds]
    logits = theirs(folder, model, [sound[start : start + 10240] for start in starts])
    result = zoo.sound_events(sound, sample_rate=16000, network=net, threshold=0.0, min_duration=0)
    np.testing.assert_allclose(result.scores, torch.sigmoid(logits).numpy(), atol=1e-5)
    np.testing.assert_allclose(result.times[:, 0], np.array(starts) / 16000)
    np.testing.assert_allclose(result.times[-1, 1], seconds)
    assert {(event.start, round(event.end, 6)) for event in result.events} == {(0.0, seconds)}
    assert result.clip.ids[0] in ("/m/09x0r", "/m/0gy1t2s", "/m/05zppz")
    assert set(result.clip.labels) == set(SOUNDS)  # and no comma cuts a name
    assert net.embed(sound, sample_rate=16000).values.shape == (len(starts), 16)


def test_audiosets_categories_are_known_of_other_networks_too(folder):
    ast(folder, problem_type="multi_label_classification")
    net = zoo.load(f"hf:{folder}", device="cpu")
    result = zoo.sound_events(noise(1), sample_rate=16000, network=net, threshold=0, specificity="low")
    assert {event.label for event in result.events} == {"Human sounds", "Sounds of things"}


def test_the_whole_of_audioset_is_multi_label_although_ast_does_not_say_so(folder):
    ast(folder, AUDIOSET)
    spec = zoo.describe(f"hf:{folder}")
    assert (spec.activation, spec.classes, "events" in spec.tasks) == ("sigmoid", 527, True)


def test_a_wav2vec2_classifier_says_one_word(folder):
    model = wav2vec2(folder)
    net = zoo.load(f"hf:{folder}", device="cpu")
    assert (net.spec.activation, net.spec.tasks) == ("softmax", ("classify", "embed"))
    assert net.preprocessor.framing.window == 5 * 16000
    for seconds, windows in ((1.3, [(0, 1.3)]), (5, [(0, 5)]), (9, [(0, 5), (2.5, 7.5), (4, 9)])):
        sound = noise(seconds)
        cut = [sound[round(a * 16000) : round(b * 16000)] for a, b in windows]
        expected = torch.softmax(theirs(folder, model, cut), dim=1).mean(dim=0).numpy()
        result = net.classify(sound, sample_rate=16000, top=3)
        np.testing.assert_allclose(result.all_scores, expected, atol=1e-5)
        assert set(result.labels) == set(WORDS)
        assert set(result.ids) == {"0", "1", "2"}
        np.testing.assert_allclose(net.embed(sound, sample_rate=16000).times, windows)
    with pytest.raises(InputError, match="does not support the task events"):
        zoo.sound_events(noise(1), sample_rate=16000, network=net)
    with pytest.raises(InputError, match="one by one"):
        net.preprocess([noise(1), noise(2)], sample_rate=16000)
    assert len(net.classify([noise(1), noise(2)], sample_rate=16000)) == 2


@pytest.mark.parametrize("saved", [Wav2Vec2Model, Wav2Vec2ForCTC])
def test_a_wav2vec2_encoder_gives_the_mean_of_its_states(folder, saved):
    wav2vec2(folder, saved)
    model = Wav2Vec2Model.from_pretrained(folder).eval()
    net = zoo.load(f"hf:{folder}", device="cpu")
    assert net.spec.tasks == ("embed",)
    sound = noise(6)
    expected = theirs(folder, model, [sound[:80000], sound[16000:]]).mean(dim=1)
    result = net.embed(sound, sample_rate=16000)
    np.testing.assert_allclose(result.values, expected.numpy(), atol=1e-5)
    layer = "model.encoder.layers.1"
    states = net.activations(sound, layers=[layer], sample_rate=16000)[layer]
    vectors = net.embed(sound, layer=layer, sample_rate=16000).values
    np.testing.assert_allclose(vectors, states.mean(dim=1).numpy(), atol=1e-5)
    with pytest.raises(InputError, match="classify"):
        net.classify(sound, sample_rate=16000)
    with pytest.raises(InputError, match="no head"):
        net.replace_head(3)


def test_an_ast_encoder_gives_its_pooled_output(folder):
    model = ast(folder, model=ASTModel)
    net = zoo.load(f"hf:{folder}", device="cpu")
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    inputs = extractor(noise(0.5), sampling_rate=16000, return_tensors="pt")
    with torch.inference_mode():
        expected = model(**inputs).pooler_output
    np.testing.assert_allclose(net.embed(noise(0.5), sample_rate=16000).values, expected.numpy(), atol=1e-5)


@pytest.mark.parametrize("fused", [False, True])
def test_the_half_of_clap_that_listens(folder, fused, capfd):
    """Shorter recordings are repeated, as CLAP's extractor does. In one that is fused, it marks one window at
    random as longer than it is; here none is."""
    clap(folder, fused)
    capfd.readouterr()
    net = zoo.load(f"hf:{folder}", device="cpu")
    assert capfd.readouterr() == ("", "")  # the half that reads is not missed
    assert (net.spec.tasks, net.spec.classes) == (("embed",), 6)
    model = ClapAudioModelWithProjection.from_pretrained(folder).eval()
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    sound = noise(3, 48000)
    inputs = extractor(sound, sampling_rate=48000, return_tensors="pt")
    with torch.inference_mode():
        expected = model(inputs["input_features"], is_longer=torch.zeros(1, 1, dtype=torch.bool)).audio_embeds
    result = net.embed(sound, sample_rate=48000)
    np.testing.assert_allclose(result.values, expected.numpy(), atol=1e-5)
    assert net.embed(noise(11, 48000), sample_rate=48000).times.tolist() == [[0, 10], [1, 11]]


def test_a_whisper_with_the_head_of_a_classifier(folder):
    model = whisper(folder)
    net = zoo.load(f"hf:{folder}", device="cpu")
    logits = theirs(folder, model, [noise(1)])
    expected = torch.softmax(logits, dim=1)[0].numpy()
    np.testing.assert_allclose(net.classify(noise(1), sample_rate=16000).all_scores, expected, atol=1e-5)
    whisper(folder.with_name("other"), WhisperModel)
    with pytest.raises(UnknownNameError, match="nor an encoder alone"):
        zoo.describe(f"hf:{folder.with_name('other')}")


def test_a_fresh_head_and_the_summary(folder):
    ast(folder)
    net = zoo.load(f"hf:{folder}", num_classes=2, device="cpu")
    assert net.classify(noise(1), sample_rate=16000).all_scores.shape == (2,)
    assert net.summary().parameters == net.spec.parameters == zoo.describe(f"hf:{folder}").parameters - 17


def test_the_record_is_read_from_the_checkpoint(folder):
    ast(folder)
    (folder / "README.md").write_text("---\nlicense: bsd-3-clause\n---\nTiny.\n")
    spec = zoo.describe(f"hf:{folder}")
    assert (spec.modality, spec.license, spec.input_shape) == ("audio", "bsd-3-clause", (64, 32))
    described = zoo.load(f"hf:{folder}", weights=None).preprocessor.describe()
    assert "windows of 640 ms, one every 320 ms; the checkpoint's own ASTFeatureExtractor" in described
    assert json.loads(json.dumps(spec.to_dict()))["head_layer"] == "model.classifier.dense"


def test_overlap_and_short_recordings(folder):
    ast(folder, problem_type="multi_label_classification")
    net = zoo.load(f"hf:{folder}", device="cpu")
    result = zoo.sound_events(noise(1.28), sample_rate=16000, network=net, overlap=0)
    np.testing.assert_allclose(result.times, [[0, 0.64], [0.64, 1.28]])
    with pytest.raises(InputError, match="too short"):
        net.classify(noise(0.05), sample_rate=16000)


def test_what_cannot_be_used_is_refused_in_one_sentence(folder, tmp_path):
    BertConfig().save_pretrained(tmp_path / "bert")
    with pytest.raises(UnknownNameError, match="nor an audio network"):
        zoo.describe(f"hf:{tmp_path / 'bert'}")
    ast(folder, problem_type="regression", labels=("a",))
    with pytest.raises(UnknownNameError, match="tells classes apart"):
        zoo.describe(f"hf:{folder}")
    ast(tmp_path / "cut")
    weights = tmp_path / "cut" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])
    with pytest.raises(WeightsError, match="no complete network"):
        zoo.load(f"hf:{tmp_path / 'cut'}")
    (tmp_path / "cut" / "preprocessor_config.json").unlink()
    with pytest.raises(UnknownNameError, match="feature extractor"):
        zoo.load(f"hf:{tmp_path / 'cut'}/")
