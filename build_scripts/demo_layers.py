"""Take the photograph apart: the person cut out, the room behind them, and a second person made from the first."""

from __future__ import annotations

import cv2
import numpy as np

from build_scripts.portrait import Pixels, Points

# Outlines in the photograph's pixels (512 x 512), drawn by hand around the person and well inside them.
AROUND = (
    *(
        (18, 511),
        (22, 400),
        (40, 258),
        (106, 222),
        (106, 190),
        (122, 162),
        (150, 144),
        (170, 146),
        (146, 115),
        (146, 66),
    ),
    *((172, 20), (230, 6), (294, 26), (310, 80), (306, 120), (284, 145), (262, 172), (308, 206), (314, 238)),
    *((350, 270), (366, 340), (460, 346), (508, 440), (511, 511)),
)
WITHIN = (
    *((40, 511), (40, 380), (65, 280), (125, 240), (135, 190), (185, 172), (183, 130), (165, 90), (190, 40)),
    *(
        (230, 25),
        (280, 50),
        (290, 90),
        (265, 130),
        (250, 172),
        (290, 220),
        (330, 270),
        (345, 340),
        (300, 400),
        (290, 511),
    ),
)
WALL = ((112, 0), (360, 0), (345, 250), (300, 250), (112, 210))  # plain background, to fill the person's place from
HELMET = ((385, 440), (95, 85))
CUT_OUT_ROUNDS = 6


def cut_out(photo: Pixels, landmarks: Points) -> Pixels:
    """The photograph (BGR) with the person's outline as a soft fourth channel.

    The face's outline is always inside, and the person's colours go on a little beyond the edge, so that a turned head
    shows skin where the photograph shows the wall.
    """
    height, width = photo.shape[:2]
    mask = np.full((height, width), cv2.GC_BGD, np.uint8)
    cv2.fillPoly(mask, [np.array(AROUND)], cv2.GC_PR_FGD)
    cv2.fillPoly(mask, [np.array(WITHIN)], cv2.GC_FGD)
    cv2.ellipse(mask, HELMET[0], HELMET[1], 0, 0, 360, cv2.GC_FGD, -1)
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(1)
    cv2.grabCut(photo, mask, (0, 0, 1, 1), background, foreground, CUT_OUT_ROUNDS, cv2.GC_INIT_WITH_MASK)
    face = landmarks[:, :2].mean(axis=0) + (landmarks[:, :2] - landmarks[:, :2].mean(axis=0)) * 1.05
    cv2.fillConvexPoly(mask, cv2.convexHull(face.astype(np.int32)), cv2.GC_FGD)
    person = np.where((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD), 255, 0).astype(np.uint8)
    edge = cv2.dilate(person, np.ones((9, 9), np.uint8)) - cv2.erode(person, np.ones((7, 7), np.uint8))
    colours = cv2.inpaint(photo, edge, 3, cv2.INPAINT_TELEA)
    soft = cv2.GaussianBlur(cv2.erode(person, np.ones((3, 3), np.uint8)), (0, 0), 0.8)
    kept = cv2.erode(person, np.ones((7, 7), np.uint8)) > 0
    colours[kept] = photo[kept]
    return np.dstack([colours, soft]).astype(np.uint8)


def empty_room(photo: Pixels, person: Pixels) -> Pixels:
    """The photograph's background, slightly out of focus, with the person's place filled from around it.

    ``person`` is the outline, 255 inside.
    """
    hole = cv2.dilate(person, np.ones((13, 13), np.uint8)) > 0
    wall = np.zeros(person.shape, np.uint8)
    cv2.fillPoly(wall, [np.array(WALL)], 1)
    known = np.where(hole, 0, wall).astype(np.float32)
    room = photo.astype(np.float32)
    filled = room.copy()
    for sigma_px in (160, 80, 40, 20, 10):  # finer ones where the wall is near enough to say more
        weight = cv2.GaussianBlur(known, (0, 0), sigma_px)
        near = cv2.GaussianBlur(room * known[..., None], (0, 0), sigma_px) / np.maximum(weight, 1e-9)[..., None]
        trust = np.where(hole, np.clip(weight * 8, 0, 1) if sigma_px < 160 else 1.0, 0.0)[..., None]
        filled = near * trust + filled * (1 - trust)
    smooth = cv2.GaussianBlur(filled, (0, 0), 5)
    seam = cv2.GaussianBlur(hole.astype(np.float32), (0, 0), 6)[..., None]
    focus = cv2.GaussianBlur(filled, (0, 0), 1.6)
    blended: Pixels = (focus * (1 - seam) + smooth * seam).astype(np.uint8)
    return blended


def second_person(person: Pixels, landmarks: Points) -> tuple[Pixels, Points]:
    """Somebody else: mirrored, broader, darker hair and skin, clothes of another colour."""
    width = person.shape[1]
    mirrored = np.ascontiguousarray(person[:, ::-1])
    hsv = cv2.cvtColor(mirrored[:, :, :3], cv2.COLOR_BGR2HSV).astype(np.float32)
    hue, saturation, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    below_chin = np.arange(person.shape[0])[:, None] > landmarks[:, 1].max() + 6
    orange = below_chin & (saturation > 110) & ((hue < 18) | (hue > 172))
    clothes = cv2.GaussianBlur(orange.astype(np.float32), (0, 0), 1.2)
    other = cv2.cvtColor(
        np.dstack([np.full_like(hue, 105), saturation * 0.45, value * 0.5]).astype(np.uint8), cv2.COLOR_HSV2BGR
    )
    toned = 255 * (mirrored[:, :, :3] / 255.0) ** np.array([1.55, 1.5, 1.4])
    colours = toned * (1 - clothes[..., None]) + other * clothes[..., None]
    points = landmarks.copy()
    points[:, 0] = width - 1 - points[:, 0]
    return np.dstack([colours.astype(np.uint8), mirrored[:, :, 3]]), points
