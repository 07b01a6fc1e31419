"""Write small files of TensorFlow's: ``python -m benchmarks.fuzz.tensorflow_seeds KIND FOLDER``."""

import sys
from pathlib import Path

import numpy as np

KERNEL = np.arange(24, dtype=np.float32).reshape(4, 3, 2, 1)


def main(kind: str, folder: Path) -> None:
    """Write a folder for each seed."""
    import tensorflow as tf

    module = tf.Module()
    module.kernel, module.bias = tf.Variable(KERNEL), tf.Variable(np.arange(4.0, dtype=np.float32))
    if kind == "saved_model":
        tf.saved_model.save(module, str(folder / "2"))
        return
    tf.train.Checkpoint(module=module).write(str(folder / "2" / "weights"))
    old = tf.compat.v1
    with old.Graph().as_default(), old.Session() as session:
        variables = [old.get_variable("conv/weights", initializer=KERNEL, use_resource=False)]
        session.run(variables[0].initializer)
        saver = old.train.Saver(variables, write_version=old.train.SaverDef.V1)
        (folder / "1").mkdir()
        saver.save(session, str(folder / "1" / "weights"), write_meta_graph=False, write_state=False)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
