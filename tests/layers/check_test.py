#!/usr/bin/env python3
"""check.py finds every kind of violation, each in a small tree made for it, and nothing in a sound one."""
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.dont_write_bytecode = True
from check import check


def problems(**files):
    with tempfile.TemporaryDirectory() as folder:
        for name, includes in files.items():
            path = Path(folder, "iop", name.replace("__", "/") + ".hpp")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("#pragma once\n" + "".join(f"#include {i}\n" for i in includes))
        return "\n".join(check(Path(folder))[1])


class Check(unittest.TestCase):
    def test_sound_tree(self):
        sound = problems(
            core__range=["<cstddef>"],
            model__chain=["<iop/core/range.hpp>", "<boost/hana/tuple.hpp>"],
            kernel__simd=["<xsimd/xsimd.hpp>"],
            comm__tcp=["<iop/core/range.hpp>", "<boost/asio/ip/tcp.hpp>", "<thread>", "<sys/socket.h>"],
            file__safetensors=["<nlohmann/json.hpp>", "<string>", "<iop/core/range.hpp>"],
            exec__executor=["<iop/model/chain.hpp>", "<iop/kernel/simd.hpp>"],
            iop=["<iop/exec/executor.hpp>"],
        )
        self.assertEqual(sound, "")

    def test_lower_layer(self):
        self.assertIn("may include only core", problems(core__a=["<iop/spec/b.hpp>"], spec__b=[]))
        self.assertIn("may include only core, file, spec", problems(file__a=["<iop/planner/b.hpp>"], planner__b=[]))
        self.assertIn("may include only", problems(exec__a=["<iop/file/b.hpp>"], file__b=[]))

    def test_unknown_layer(self):
        self.assertIn("not in the list of layers", problems(util__a=[]))

    def test_doors(self):
        self.assertIn("the door to boost/hana", problems(planner__a=["<boost/hana.hpp>"]))
        self.assertIn("the door to xsimd", problems(kernel__conv2d=["<xsimd/xsimd.hpp>"]))
        self.assertIn("the door to boost/asio", problems(comm__in_process=["<boost/asio.hpp>"]))
        self.assertIn("the door to nlohmann", problems(exec__a=["<nlohmann/json.hpp>"]))
        self.assertIn("without a door", problems(model__a=["<boost/mp11.hpp>"]))

    def test_heap_threads_streams_and_system(self):
        for name in ("vector", "string", "thread", "iostream", "functional", "stdexcept", "mutex", "map", "memory"):
            self.assertIn(f"includes <{name}>", problems(kernel__a=[f"<{name}>"]))
        self.assertIn("system header", problems(core__a=["<unistd.h>"]))

    def test_asio_by_a_detour(self):
        tree = dict(comm__tcp=["<boost/asio.hpp>"], comm__mesh=["<iop/comm/tcp.hpp>"])
        self.assertIn("iop/exec/a.hpp: reaches <boost/asio.hpp>", problems(exec__a=["<iop/comm/mesh.hpp>"], **tree))
        self.assertIn("iop/iop.hpp: reaches <boost/asio.hpp>", problems(iop=["<iop/comm/mesh.hpp>"], **tree))

    def test_own_headers(self):
        self.assertIn("does not exist", problems(core__a=["<iop/core/b.hpp>"]))
        self.assertIn("own headers are included as", problems(core__a=['"b.hpp"'], core__b=[]))
        self.assertIn("cycle: iop/core/a.hpp -> iop/core/b.hpp -> iop/core/a.hpp",
                      problems(core__a=["<iop/core/b.hpp>"], core__b=["<iop/core/a.hpp>"]))


if __name__ == "__main__":
    unittest.main()
