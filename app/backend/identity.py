"""``POST /verify/user``: is this the same person?"""

from __future__ import annotations

from fastapi import APIRouter

from app.backend.auth import Key
from app.backend.base64_files import decode_bytes
from app.backend.context import Ctx
from app.backend.errors import ApiError, Detail, invalid, too_large
from app.backend.schemas import VerifyIn, VerifyOut

router = APIRouter()


@router.post(
    "/verify/user",
    summary="Verify user identity using facial recognition",
    responses={501: {"description": "This backend has no face verification (error code not_configured)"}},
)
def verify_user(body: VerifyIn, ctx: Ctx, key: Key) -> VerifyOut:
    """Compares the faces of two base64 encoded pictures (data URLs are accepted). Nothing is stored."""
    if key.scope == "exam":
        key.must_deliver(key.exam_id or "", body.userId)
    limit = ctx.settings.max_image_bytes
    reference = _image("referenceImage", body.referenceImage, limit)
    picture = _image("verificationImage", body.verificationImage, limit)
    verify = ctx.services.verify_faces
    if verify is None:
        raise ApiError(501, message="This backend is not configured to verify faces")
    try:
        result = verify(reference, picture)
    except ValueError as error:
        issue = "One of the images can't be read"
        raise ApiError(400, Detail("referenceImage", issue), Detail("verificationImage", issue)) from error
    return VerifyOut.model_validate(result)


def _image(name: str, text: str, limit_bytes: int) -> bytes:
    try:
        data = decode_bytes(text, limit_bytes)
    except OverflowError as error:
        raise too_large(name, limit_bytes) from error
    except ValueError as error:
        raise invalid(name, "The image is not valid base64") from error
    if not data:
        raise invalid(name, "The image is empty")
    return data
