"""Messages of the protobuf library for formats of which only a few fields are read.

A format's own description is not needed, only the numbers of the fields that hold weights; all others are
skipped.
"""

from collections.abc import Mapping, Sequence

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

Fields = Mapping[str, Sequence[tuple[str, int, str, bool]]]
"""Of each message its fields: name, number, type or message, whether it is repeated."""


def message_classes(file: str, messages: Fields, alternative: int = 0) -> dict[str, type[Message]]:
    """Make classes of messages by name.

    Parameters
    ----------
    file : str
        A name for the description.
    messages : mapping
        Types are those of protobuf, or names of messages of the mapping. Packed numbers look like bytes on
        the wire, and as ``bytes`` they become arrays without a Python object each.
    alternative : int
        Which of the types to take where a field has several, as ``"bytes|float"``.
    """
    kinds = descriptor_pb2.FieldDescriptorProto
    described_file = descriptor_pb2.FileDescriptorProto(name=file)
    for title, fields in messages.items():
        described = described_file.message_type.add(name=title)
        for name, number, types, repeated in fields:
            label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            field = described.field.add(name=name, number=number, label=label)
            kind = types.split("|")[alternative if "|" in types else 0]
            if kind in messages:
                field.type_name = kind
            else:
                field.type = kinds.Type.Value(f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(described_file)
    return message_factory.GetMessageClassesForFiles([file], pool)
