"""Takes out of TensorFlow's wheel what the binding of tfjs-node compiles and links against: unpack_wheel.py WHEEL TO"""

import sys
import zipfile

headers = ("tensorflow/c/", "tensorflow/core/platform/", "tsl/c/", "tsl/platform/")
libraries = ("tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2")

wheel, to = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    wanted = tuple(f"tensorflow/include/{folder}" for folder in headers)
    archive.extractall(to, [name for name in archive.namelist() if name.startswith(wanted) or name in libraries])
