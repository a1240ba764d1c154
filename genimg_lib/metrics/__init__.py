"""How good are images? One by one, as a set, and by the factors that they show."""

from genimg_lib.metrics import protocol
from genimg_lib.metrics.decisions import area_under_curve, calibration_error
from genimg_lib.metrics.evaluator import SPECS, Evaluator, EvaluatorNet
from genimg_lib.metrics.factors import (
    agreement,
    coverage,
    mutual_information,
    mutual_information_gap,
)
from genimg_lib.metrics.holes import psnr_in_hole, seam
from genimg_lib.metrics.pairs import psnr, ssim
from genimg_lib.metrics.protocol import Protocol
from genimg_lib.metrics.sentences import UNSAID, factor_f1, named, named_loosely, obeyed, strayed
from genimg_lib.metrics.sets import kid, precision_recall

__all__ = [
    "SPECS",
    "UNSAID",
    "Evaluator",
    "EvaluatorNet",
    "Protocol",
    "agreement",
    "area_under_curve",
    "calibration_error",
    "coverage",
    "factor_f1",
    "kid",
    "mutual_information",
    "mutual_information_gap",
    "named",
    "named_loosely",
    "obeyed",
    "precision_recall",
    "protocol",
    "psnr",
    "psnr_in_hole",
    "seam",
    "ssim",
    "strayed",
]
