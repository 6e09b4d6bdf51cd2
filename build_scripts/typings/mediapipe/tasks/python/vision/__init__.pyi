from collections.abc import Sequence

import numpy as np
from mediapipe import Image
from mediapipe.tasks.python.core.base_options import BaseOptions
from numpy.typing import NDArray

class NormalizedLandmark:
    x: float
    y: float
    z: float

class Category:
    category_name: str
    score: float

class FaceLandmarkerResult:
    face_landmarks: Sequence[Sequence[NormalizedLandmark]]
    face_blendshapes: Sequence[Sequence[Category]]
    facial_transformation_matrixes: Sequence[NDArray[np.float32]]

class FaceLandmarkerOptions:
    def __init__(
        self,
        base_options: BaseOptions,
        *,
        num_faces: int = 1,
        min_face_detection_confidence: float = 0.5,
        min_face_presence_confidence: float = 0.5,
        output_face_blendshapes: bool = False,
        output_facial_transformation_matrixes: bool = False,
    ) -> None: ...

class FaceLandmarker:
    @classmethod
    def create_from_options(cls, options: FaceLandmarkerOptions) -> FaceLandmarker: ...
    def detect(self, image: Image) -> FaceLandmarkerResult: ...
    def close(self) -> None: ...

class BoundingBox:
    origin_x: int
    origin_y: int
    width: int
    height: int

class Detection:
    bounding_box: BoundingBox
    categories: Sequence[Category]

class ObjectDetectorResult:
    detections: Sequence[Detection]

class ObjectDetectorOptions:
    def __init__(self, base_options: BaseOptions, *, max_results: int = -1, score_threshold: float = 0.0) -> None: ...

class ObjectDetector:
    @classmethod
    def create_from_options(cls, options: ObjectDetectorOptions) -> ObjectDetector: ...
    def detect(self, image: Image) -> ObjectDetectorResult: ...
    def close(self) -> None: ...
