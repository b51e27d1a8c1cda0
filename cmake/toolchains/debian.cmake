# What Debian's cross compilers have in common; programs run in QEMU's user mode (packages g++-<triplet>, qemu-user).
# Of the host only headers are used, those of libraries that are nothing else: its /usr/include is searched last,
# behind the target's own, so that no header of the host's C library gets in.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_CXX_COMPILER ${triplet}-g++)
set(CMAKE_CXX_FLAGS_INIT "${flags} -idirafter /usr/include")
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-${CMAKE_SYSTEM_PROCESSOR};-L;/usr/${triplet})
file(GLOB CMAKE_PREFIX_PATH /usr/lib/*-linux-gnu/cmake)
