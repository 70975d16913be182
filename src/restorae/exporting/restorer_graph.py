"""A network that restores, as one ONNX graph: value range, grey or colour, padding, the network, cropping, value range.

The graph does what `Model.restore_images` does, so that other programs need none of it.
"""

from __future__ import annotations

from typing import Any

import torch

from restorae.exporting.library import FLOAT, branch, choice, import_onnx, nodes_of
from restorae.exporting.pixels import PixelForm
from restorae.exporting.tracing import TracedModule, Wrapped, trace
from restorae.model import Model
from restorae.networks import Dense, Network

_PADDING = """
    size = Shape<start=2>(working)
    multiple = Constant<value_ints=[{0}, {1}]>()
    one = Constant<value_ints=[1]>()
    first = Constant<value_int=0>()
    second = Constant<value_int=1>()
    raised = Add(size, multiple)
    raised_less_one = Sub(raised, one)
    blocks = Div(raised_less_one, multiple)
    padded_size = Mul(blocks, multiple)
    added = Sub(padded_size, size)
    fits = Less(added, size)
    fits_number = Cast<to=7>(fits)
    all_fit = ReduceMin<keepdims=0>(fits_number)
    mirrored = Cast<to=9>(all_fit)
    last = Sub(size, one)
"""
"""As `pad_to_multiple`: mirrored at the bottom and right, or replicated where an image is too small for that."""

_PADDED_AXIS = """
    length_{0} = Gather<axis=0>(padded_size, {1})
    last_{0} = Gather<axis=0>(last, {1})
    places_{0} = Range(first, length_{0}, second)
    from_last_{0} = Sub(places_{0}, last_{0})
    beyond_{0} = Abs(from_last_{0})
    reflected_{0} = Sub(last_{0}, beyond_{0})
    replicated_{0} = Min(places_{0}, last_{0})
    source_{0} = Where(mirrored, reflected_{0}, replicated_{0})
"""

_CROPPING = """
    from_start = Constant<value_ints=[0, 0]>()
    image_axes = Constant<value_ints=[2, 3]>()
    cropped = Slice(restored_padded, from_start, size, image_axes)
"""

_GREY_OR_COLOUR = """
    zero = Constant<value_ints=[0]>()
    channel_axis = Constant<value_ints=[1]>()
    first_channel = Slice(padded, zero, one, channel_axis)
    same = Equal(padded, first_channel)
    same_number = Cast<to=1>(same)
    all_axes = Constant<value_ints=[1, 2, 3]>()
    all_same = ReduceMin<keepdims=1>(same_number, all_axes)
    looks_grey = Cast<to=9>(all_same)
    channels = Shape<start=1, end=2>(padded)
    has_one = Equal(channels, one)
    may_be_grey = Not(colour)
    taken_as_grey = Or(has_one, may_be_grey)
    is_grey = And(looks_grey, taken_as_grey)
    grey_number = Cast<to=1>(is_grey)
    most = ReduceMax<keepdims=0>(grey_number)
    least = ReduceMin<keepdims=0>(grey_number)
    any_grey = Cast<to=9>(most)
    all_grey = Cast<to=9>(least)
"""
"""Which images of a batch have three equal channels, by images; a network for both kinds restores those as grey."""


def restorer_graph(model: Model, form: PixelForm) -> Any:
    """The graph, an `onnx.GraphProto`, of a model that restores images of any size.

    Inputs: `images`; `low` and `high`, the values that are black and white, by default those of the type; for a network that
    restores grey and colour also `colour`, by default false: true restores images as colour whose channels are equal, as
    tiles of a colour image may be. Output: `restored`, of the form of `images`.

    Raises:
        ExportFailed: PyTorch cannot export the network.
    """
    onnx = import_onnx()
    helper = onnx.helper
    network = model.network
    takes = sorted(network.takes)
    traced = {channels: _trace(model, channels) for channels in takes}
    nodes = nodes_of(form.to_working() + _padding(network.multiple_of))
    if {1, 3} <= {*takes}:
        nodes += _either(traced[1], traced[3])
    elif takes == [1]:
        nodes += _channels_apart(traced[1], network)
    elif takes == [3]:
        nodes += _in_colour(traced[3], network)
    else:
        nodes += _through(traced[takes[0]], network, "padded", "restored_padded")
    nodes += nodes_of(_CROPPING + form.from_working("cropped", "restored"))
    inputs = [
        helper.make_tensor_value_info("images", form.element, form.shape(_channels(takes))),
        *form.range_inputs(),
    ]
    weights = {name: tensor for each in traced.values() for name, tensor in each.weights.items()}
    defaults = form.range_defaults()
    if {1, 3} <= {*takes}:
        inputs.append(helper.make_tensor_value_info("colour", onnx.TensorProto.BOOL, []))
        defaults.append(helper.make_tensor("colour", onnx.TensorProto.BOOL, [], [False]))
    output = helper.make_tensor_value_info("restored", form.element, form.shape(_channels(takes)))
    return helper.make_graph(nodes, "restorae", inputs, [output], [*defaults, *weights.values()])


def _channels(takes: list[int]) -> int | str:
    """The number of channels, or its name where graphs take 1 and 3, or any number one by one."""
    return "channels" if 1 in takes or takes == [3] else takes[0]


def _trace(model: Model, channels: int) -> TracedModule:
    network = model.network
    high, wide = network.multiple_of
    if isinstance(network, Dense):  # one block, since the graph cuts images into blocks
        size, multiple_of = (high, wide), None
    else:
        size, multiple_of = (3 * high, 5 * wide), (high, wide)
    example = torch.zeros(2, channels, *size)
    return trace(Wrapped(model.module), example, multiple_of, prefix=f"of_{channels}_")


def _padding(multiple_of: tuple[int, int]) -> str:
    if multiple_of == (1, 1):
        return "size = Shape<start=2>(working)\npadded_size = Identity(size)\npadded = Identity(working)\n"
    return (
        _PADDING.format(*multiple_of)
        + _PADDED_AXIS.format("down", "first")
        + _PADDED_AXIS.format("right", "second")
        + "padded_down = Gather<axis=2>(working, source_down)\n"
        + "padded = Gather<axis=3>(padded_down, source_right)\n"
    )


def _called(traced: TracedModule, entering: str, leaving: str) -> list[Any]:
    """The nodes of a traced module between two values of the graph."""
    return [
        *nodes_of(f"{traced.input} = Identity({entering})"),
        *traced.nodes,
        *nodes_of(f"{leaving} = Identity({traced.outputs[0]})"),
    ]


def _through(traced: TracedModule, network: Network, entering: str, leaving: str) -> list[Any]:
    """Padded images through the network; through a dense one block by block."""
    if not isinstance(network, Dense):
        return _called(traced, entering, leaving)
    channels, height, width = network.channels, network.height, network.width
    return [
        *nodes_of(f"""
            counts = Div(padded_size, multiple)
            row_at = Constant<value_ints=[0]>()
            rows = Gather<axis=0>(counts, row_at)
            columns = Gather<axis=0>(counts, one)
            colours = Constant<value_ints=[-1, {channels}]>()
            block_height = Constant<value_ints=[{height}]>()
            block_width = Constant<value_ints=[{width}]>()
            cut_shape = Concat<axis=0>(colours, rows, block_height, columns, block_width)
            cut = Reshape({entering}, cut_shape)
            grid = Transpose<perm=[0, 2, 4, 1, 3, 5]>(cut)
            block_shape = Constant<value_ints=[-1, {channels}, {height}, {width}]>()
            block = Reshape(grid, block_shape)
        """),
        *_called(traced, "block", "restored_block"),
        *nodes_of(f"""
            grid_shape = Shape(grid)
            restored_grid = Reshape(restored_block, grid_shape)
            joined = Transpose<perm=[0, 3, 1, 4, 2, 5]>(restored_grid)
            whole_shape = Shape({entering})
            {leaving} = Reshape(joined, whole_shape)
        """),
    ]  # fmt: skip


def _either(grey: TracedModule, colour: TracedModule) -> list[Any]:
    """A network for grey and for colour: each image goes the way that it is of; mixed batches go both."""
    through_grey = [
        *_called(grey, "first_channel", "grey_once"),
        *nodes_of("padded_shape = Shape(padded)\ngrey_spread = Expand(grey_once, padded_shape)"),
    ]
    through_colour = _called(colour, "padded", "colour_made")
    return [
        *nodes_of(_GREY_OR_COLOUR),
        choice(
            "any_grey",
            {
                True: branch("grey", through_grey, "grey_spread", FLOAT),
                False: branch("no_grey", nodes_of("unused_grey = Identity(padded)"), "unused_grey", FLOAT),
            },
            "as_grey",
        ),
        choice(
            "all_grey",
            {
                True: branch("no_colour", nodes_of("unused = Identity(as_grey)"), "unused", FLOAT),
                False: branch("colour", through_colour, "colour_made", FLOAT),
            },
            "as_colour",
        ),
        *nodes_of("restored_padded = Where(is_grey, as_grey, as_colour)"),
    ]  # fmt: skip


def _channels_apart(traced: TracedModule, network: Network) -> list[Any]:
    """A network for one channel restores the channels of an image one by one."""
    return [
        *nodes_of("""
            alone = Constant<value_ints=[-1, 1]>()
            apart_shape = Concat<axis=0>(alone, padded_size)
            apart = Reshape(padded, apart_shape)
        """),
        *_through(traced, network, "apart", "restored_apart"),
        *nodes_of("""
            together_shape = Shape(padded)
            restored_padded = Reshape(restored_apart, together_shape)
        """),
    ]


def _in_colour(traced: TracedModule, network: Network) -> list[Any]:
    """A network for colour restores a grey image as three equal channels, and their mean is the result."""
    mean = nodes_of("grey_axis = Constant<value_ints=[1]>()\nmean = ReduceMean<keepdims=1>(colour_made, grey_axis)")  # fmt: skip
    return [
        *nodes_of("""
            three = Constant<value_ints=[1, 3, 1, 1]>()
            in_colour = Expand(padded, three)
        """),
        *_through(traced, network, "in_colour", "colour_made"),
        *nodes_of("""
            channels = Shape<start=1, end=2>(padded)
            single = Constant<value_ints=[1]>()
            has_one = Equal(channels, single)
        """),
        choice(
            "has_one",
            {
                True: branch("grey", mean, "mean", FLOAT),
                False: branch("colour", nodes_of("kept = Identity(colour_made)"), "kept", FLOAT),
            },
            "restored_padded",
        ),
    ]
