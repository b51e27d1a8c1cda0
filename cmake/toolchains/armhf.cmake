# 32-bit ARM with NEON and its fused multiply-add, as in a Raspberry Pi 2 and later.
set(CMAKE_SYSTEM_PROCESSOR arm)
set(triplet arm-linux-gnueabihf)
set(flags "-mfpu=neon-vfpv4 -Wno-psabi")  # its calling convention changed in GCC 7: a note on every vector
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)
