"""genimg_lib: the small shared library of the genimg course.

Import the rooms you need: `from genimg_lib import data, plots, vae`.
"""
