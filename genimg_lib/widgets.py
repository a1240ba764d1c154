"""`explore`: a figure with controls.

The default figure is an ordinary picture, so that a page, a program and a test see it; a live
kernel adds the controls.
"""

from genimg_lib import plots


def explore(figure_fn, alt, caption="", **controls):
    """Show figure_fn(**defaults), then controls that draw it again.

    figure_fn: takes the controls' values by name, gives a matplotlib figure.
    controls: name=(low, high, default) for numbers (whole numbers make a slider of whole numbers),
        name=[values] for a choice (the first is the default; if it comes again, it is offered there
        only), name=True or False for a switch.
    Raises ValueError for a control of any other form, before anything is drawn. Errors of the
    default figure are the caller's to see.
    """
    defaults = {name: _default(name, control) for name, control in controls.items()}
    fig = figure_fn(**defaults)
    if not plots.in_notebook():
        plots.show(fig, alt, caption)
        return
    import ipywidgets
    from IPython.display import Markdown, display

    handle = display(*plots.picture(fig, alt), display_id=True)
    places = layout(fig)
    if caption:
        display(Markdown(f"*{caption}*"))
    knobs = {name: _knob(ipywidgets, name, control) for name, control in controls.items()}
    problem = ipywidgets.HTML()

    def redraw(_):
        try:
            fig = keep_places(
                figure_fn(**{name: knob.value for name, knob in knobs.items()}), places
            )
            handle.update(*plots.picture(fig, alt, plots.quick_png))
            problem.value = ""
        # an error in a callback would otherwise vanish into the server's log
        except Exception as error:
            problem.value = f"<b>{type(error).__name__}</b>: {error}"

    for knob in knobs.values():
        knob.observe(redraw, names="value")
    display(ipywidgets.VBox([*knobs.values(), problem]))


def layout(fig):
    """The size of a drawn figure and the places of its axes."""
    return tuple(fig.get_size_inches()), [axis.get_position(original=True) for axis in fig.axes]


def keep_places(fig, before):
    """Give a figure the layout that the default figure had: nothing jumps as a slider moves.

    Laying out costs as much as drawing.
    A figure of another size, or with other axes, is laid out anew.
    """
    size, places = before
    if tuple(fig.get_size_inches()) == size and len(fig.axes) == len(places):
        fig.set_layout_engine("none")
        for axis, place in zip(fig.axes, places, strict=True):
            axis.set_position(place)
    return fig


def _default(name, control):
    if isinstance(control, bool):
        return control
    if isinstance(control, list) and control:
        return control[0]
    if (
        isinstance(control, tuple)
        and len(control) == 3
        and all(isinstance(v, (int, float)) for v in control)
        and control[0] <= control[2] <= control[1]
    ):
        return control[2]
    raise ValueError(
        f"control {name}={control!r}; give (low, high, default) with the default between them,"
        " [values] to choose from, or True or False"
    )


def _knob(ipywidgets, name, control):
    label = {
        "description": name.replace("_", " "),
        "style": {"description_width": "8em"},
        "layout": {"width": "28em", "max_width": "100%"},
    }
    if isinstance(control, bool):
        return ipywidgets.Checkbox(value=control, **label)
    if isinstance(control, list):
        return ipywidgets.Dropdown(
            options=control[1:] if control[0] in control[1:] else control, value=control[0], **label
        )
    low, high, default = control
    if all(isinstance(v, int) for v in control):
        return ipywidgets.IntSlider(value=default, min=low, max=high, **label)
    return ipywidgets.FloatSlider(
        value=default, min=low, max=high, step=(high - low) / 100, readout_format=".2f", **label
    )
