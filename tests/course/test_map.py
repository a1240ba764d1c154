"""The map of the course as a picture: what is filled, and that arrows keep clear of boxes."""

from genimg_lib.course import chapters
from genimg_lib.course import map as course_map


def test_what_stands_is_filled_and_nothing_else():
    names = {"11_images_as_tensors", "31_vae"}
    assert course_map.filled(course_map.draw(names)) == {"11", "31"}
    assert course_map.filled(course_map.draw(set())) == set()


def test_all_that_stands_can_be_opened():
    assert course_map.ready() == set(chapters.standing())
