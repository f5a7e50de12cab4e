"""The twelve 2D datasets of MedMNIST v2 (doi 10.1038/s41597-022-01721-8), release 3.0.

The records are kept here because importing the `medmnist` package loads torch and creates a folder in the user's home;
a test compares all of them with the package.
"""

from __future__ import annotations

from xaitui.catalog.records import DatasetInfo, RemoteFile, Task

SIZES = (28, 64, 128, 224)

NAMES_3D = ("organmnist3d", "nodulemnist3d", "adrenalmnist3d", "fracturemnist3d", "vesselmnist3d", "synapsemnist3d")
"""MedMNIST's 3D datasets, which are not supported but get an error message of their own."""

_SQUARE_SYMMETRIES = ("hflip", "rot90")
"""Together the eight symmetries of the square: for tissue and cells, which have no orientation."""

_ORGANS = (
    *("bladder", "femur-left", "femur-right", "heart", "kidney-left", "kidney-right"),
    *("liver", "lung-left", "lung-right", "pancreas", "spleen"),
)
_ORGANS_MIRRORED = "femur, kidney and lung have a left and a right class each: a mirrored image belongs to the other"
_CHEST_MIRRORED = "a mirrored chest X-ray shows the heart on the wrong side"

_BYTES = {"breastmnist.npz": 559_580, "pneumoniamnist.npz": 4_170_669}
"""Known file lengths in bytes; the publisher's table has none."""


def _file(name: str, size: int, md5: str) -> RemoteFile:
    """Return the file of a size; at 28 px its name has no size."""
    file_name = f"{name}.npz" if size == 28 else f"{name}_{size}.npz"
    url = f"https://zenodo.org/records/10519652/files/{file_name}?download=1"
    return RemoteFile(file_name, md5, _BYTES.get(file_name, 0), (url,))


def _set(
    name: str,
    title: str,
    task: Task,
    classes: tuple[str, ...],
    channels: int,
    counts: tuple[int, int, int],
    md5s: tuple[str, str, str, str],
    augmentation: tuple[str, ...],
    mirror_reason: str = "",
    licence: str = "CC BY 4.0",
    test_note: str = "",
) -> DatasetInfo:
    return DatasetInfo(
        name=name,
        title=title,
        task=task,
        classes=classes,
        channels=channels,
        sizes=SIZES,
        counts=counts,
        licence=licence,
        files={size: (_file(name, size, md5),) for size, md5 in zip(SIZES, md5s, strict=True)},
        mirror_reason=mirror_reason,
        preset_augmentation=augmentation,
        test_note=test_note,
    )


MEDMNIST = (
    _set(
        "pathmnist",
        "Colorectal cancer histology: H&E stained patches",
        Task.MULTI_CLASS,
        (
            *("adipose", "background", "debris", "lymphocytes", "mucus", "smooth muscle"),
            *("normal colon mucosa", "cancer-associated stroma", "colorectal adenocarcinoma epithelium"),
        ),
        3,
        (89_996, 10_004, 7_180),
        (
            "a8b06965200029087d5bd730944a56c1",
            "55aa9c1e0525abe5a6b9d8343a507616",
            "ac42d08fb904d92c244187169d1fd1d9",
            "2c51a510bcdc9cf8ddb2af93af1eadec",
        ),
        (*_SQUARE_SYMMETRIES, "stain-jitter"),
        test_note="the test images come from another clinical centre than train and val: "
        "the two scores measure different things",
    ),
    _set(
        "chestmnist",
        "Frontal chest X-rays with text-mined findings",
        Task.MULTI_LABEL,
        (
            *("atelectasis", "cardiomegaly", "effusion", "infiltration", "mass", "nodule", "pneumonia"),
            *("pneumothorax", "consolidation", "edema", "emphysema", "fibrosis", "pleural", "hernia"),
        ),
        1,
        (78_468, 11_219, 22_433),
        (
            "02c8a6516a18b556561a56cbdd36c4a8",
            "9de6cd0b934ebb5b7426cfba5efbae16",
            "db107e5590b27930b62dbaf558aebee3",
            "45bd33e6f06c3e8cdb481c74a89152aa",
        ),
        ("affine",),
        _CHEST_MIRRORED,
    ),
    _set(
        "dermamnist",
        "Pigmented skin lesions under the dermatoscope",
        Task.MULTI_CLASS,
        (
            *("actinic keratoses and intraepithelial carcinoma", "basal cell carcinoma"),
            *("benign keratosis-like lesions", "dermatofibroma", "melanoma", "melanocytic nevi"),
            *("vascular lesions",),
        ),
        3,
        (7_007, 1_003, 2_005),
        (
            "0744692d530f8e62ec473284d019b0c7",
            "b70a2f5635c6199aeaa28c31d7202e1f",
            "2defd784463fa5243564e855ed717de1",
            "8974907d8e169bef5f5b96bc506ae45d",
        ),
        _SQUARE_SYMMETRIES,
        licence="CC BY-NC 4.0",
    ),
    _set(
        "octmnist",
        "Optical coherence tomography of the retina",
        Task.MULTI_CLASS,
        ("choroidal neovascularization", "diabetic macular edema", "drusen", "normal"),
        1,
        (97_477, 10_832, 1_000),
        (
            "c68d92d5b585d8d81f7112f81e2d0842",
            "e229e9440236b774d9f0dfef9d07bdaf",
            "0a97e76651ace45c5d943ee3f65b63ae",
            "abc493b6d529d5de7569faaef2773ba3",
        ),
        ("hflip", "affine"),
    ),
    _set(
        "pneumoniamnist",
        "Chest X-rays of children",
        Task.BINARY,
        ("normal", "pneumonia"),
        1,
        (4_708, 524, 624),
        (
            "28209eda62fecd6e6a2d98b1501bb15f",
            "8f4eceb4ccffa70c672198ea285246c6",
            "05b46931834c231683c68f40c47b2971",
            "d6a3c71de1b945ea11211b03746c1fe1",
        ),
        ("affine",),
        _CHEST_MIRRORED,
    ),
    _set(
        "retinamnist",
        "Fundus photographs: five grades of diabetic retinopathy",
        Task.ORDINAL,
        ("0", "1", "2", "3", "4"),
        3,
        (1_080, 120, 400),
        (
            "bd4c0672f1bba3e3a89f0e4e876791e4",
            "afda852cc34dcda56f86ad2b2457dbcc",
            "e48e916a24454daf90583d4e6efb1a18",
            "eae7e3b6f3fcbda4ae613ebdcbe35348",
        ),
        ("hflip", "affine"),
    ),
    _set(
        "breastmnist",
        "Breast ultrasound",
        Task.BINARY,
        ("malignant", "normal, benign"),
        1,
        (546, 78, 156),
        (
            "750601b1f35ba3300ea97c75c52ff8f6",
            "742edef2a1fd1524b2efff4bd7ba9364",
            "363e4b3f8d712e9b5de15470a2aaadf1",
            "b56378a6eefa9fed602bb16d192d4c8b",
        ),
        ("hflip", "affine"),
    ),
    _set(
        "bloodmnist",
        "Blood cells under the microscope",
        Task.MULTI_CLASS,
        (
            *("basophil", "eosinophil", "erythroblast"),
            *("immature granulocytes(myelocytes, metamyelocytes and promyelocytes)", "lymphocyte", "monocyte"),
            *("neutrophil", "platelet"),
        ),
        3,
        (11_959, 1_712, 3_421),
        (
            "7053d0359d879ad8a5505303e11de1dc",
            "2b94928a2ae4916078ca51e05b6b800b",
            "adace1e0ed228fccda1f39692059dd4c",
            "b718ff6835fcbdb22ba9eacccd7b2601",
        ),
        _SQUARE_SYMMETRIES,
    ),
    _set(
        "tissuemnist",
        "Kidney cortex cells under the microscope",
        Task.MULTI_CLASS,
        (
            *("Collecting Duct, Connecting Tubule", "Distal Convoluted Tubule"),
            *("Glomerular endothelial cells", "Interstitial endothelial cells", "Leukocytes", "Podocytes"),
            *("Proximal Tubule Segments", "Thick Ascending Limb"),
        ),
        1,
        (165_466, 23_640, 47_280),
        (
            "ebe78ee8b05294063de985d821c1c34b",
            "123ece2eba09d0aa5d698fda57103344",
            "61b955355d7425a89687b06cca3ce0c2",
            "b077128c4a949f0a4eb01517f9037b9c",
        ),
        _SQUARE_SYMMETRIES,
    ),
    _set(
        "organamnist",
        "Organs in abdominal CT, axial slices",
        Task.MULTI_CLASS,
        _ORGANS,
        1,
        (34_561, 6_491, 17_778),
        (
            "68e3f8846a6bd62f0c9bf841c0d9eacc",
            "2dcccc29b88e6da5a01161ef20cda288",
            "eeae80d0a227a8d099027e1b3cfd3b60",
            "50747347e05c87dd3aaf92c49f9f3170",
        ),
        ("affine",),
        _ORGANS_MIRRORED,
    ),
    _set(
        "organcmnist",
        "Organs in abdominal CT, coronal slices",
        Task.MULTI_CLASS,
        _ORGANS,
        1,
        (12_975, 2_392, 8_216),
        (
            "b9ceb9546e10131b32923c5bbeaea2b1",
            "3ce34a8724ea6f548e6db4744d03b6a9",
            "773c1f009daa3fe5d9a2a201b2a7ed94",
            "050f5e875dc056f6768abf94ec9995d1",
        ),
        ("affine",),
        _ORGANS_MIRRORED,
    ),
    _set(
        "organsmnist",
        "Organs in abdominal CT, sagittal slices",
        Task.MULTI_CLASS,
        _ORGANS,
        1,
        (13_932, 2_452, 8_827),
        (
            "9ab87b696fb54e2a387ebe992d6ed5f1",
            "53a6d115339d874c25e309a994ff46d3",
            "ded0c5fa01a95dc4978b956f613e9b8e",
            "b354719e553fbbb2513d5533f52a4cb1",
        ),
        ("affine",),
        _ORGANS_MIRRORED,
    ),
)
