# Compiler, warnings, hardening and sanitizers, as interface targets that every own target links:
#   hefu_flags      language, hardening, sanitizers: all code, the generated one too
#   hefu_warnings   our warnings, as errors: own code only

option(HEFU_TESTS    "Build the tests" ON)
option(HEFU_WERROR   "Treat warnings as errors" ON)
option(HEFU_FUZZ     "Build tests/fuzz as libFuzzer targets (clang)" OFF)
option(HEFU_COVERAGE "Instrument for coverage" OFF)
option(HEFU_LTO      "Optimise at link time" OFF)
set(HEFU_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=, for instance address,undefined")

if(CMAKE_SOURCE_DIR STREQUAL CMAKE_BINARY_DIR)
    message(FATAL_ERROR "Build outside the source tree, for instance: cmake --preset dev")
endif()

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Debug, RelWithDebInfo or Release" FORCE)
endif()

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# Hashed layouts are little-endian and mapped onto structs, see docs/formats.md.
if(NOT CMAKE_C_BYTE_ORDER STREQUAL "LITTLE_ENDIAN")
    message(FATAL_ERROR "Hefu needs a little-endian machine")
endif()

find_program(HEFU_CCACHE ccache)
if(HEFU_CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER "${HEFU_CCACHE}")
endif()

include(CheckCCompilerFlag)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

function(hefu_flag_if_supported target flag)
    string(MAKE_C_IDENTIFIER "HEFU_HAS${flag}" variable)
    check_c_compiler_flag("${flag}" ${variable})
    if(${variable})
        target_compile_options(${target} INTERFACE "${flag}")
    endif()
endfunction()

add_library(hefu_flags INTERFACE)
target_include_directories(hefu_flags INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_definitions(hefu_flags INTERFACE HEFU_VERSION="${PROJECT_VERSION}")
# Received bytes are read in place through struct pointers (docs/formats.md), which the aliasing
# rules would let an optimiser break. Paths in messages and debug data are relative to the source.
target_compile_options(hefu_flags INTERFACE
    -fno-strict-aliasing "-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=")

# A debug build stays fast enough for the full tests; -Og and -O0 would not.
set(CMAKE_C_FLAGS_DEBUG "-O1 -g -fno-omit-frame-pointer")
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")

if(HEFU_SANITIZE)
    target_compile_options(hefu_flags INTERFACE
        "-fsanitize=${HEFU_SANITIZE}" -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(hefu_flags INTERFACE "-fsanitize=${HEFU_SANITIZE}")
else()
    target_compile_options(hefu_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
    hefu_flag_if_supported(hefu_flags -fstack-protector-strong)
    hefu_flag_if_supported(hefu_flags -fstack-clash-protection)
    hefu_flag_if_supported(hefu_flags -fcf-protection)
    target_link_options(hefu_flags INTERFACE -Wl,-z,relro,-z,now -Wl,-z,noexecstack)
endif()

if(HEFU_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "HEFU_FUZZ needs clang: use the preset fuzz")
    endif()
    target_compile_options(hefu_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(HEFU_COVERAGE)
    target_compile_options(hefu_flags INTERFACE --coverage -fprofile-update=atomic)
    target_link_options(hefu_flags INTERFACE --coverage)
endif()

if(HEFU_LTO)
    include(CheckIPOSupported)
    check_ipo_supported(LANGUAGES C)
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
endif()

add_library(hefu_warnings INTERFACE)
target_compile_options(hefu_warnings INTERFACE
    -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef
    -Wpointer-arith -Wwrite-strings -Wformat=2 -Wimplicit-fallthrough)
if(HEFU_WERROR)
    target_compile_options(hefu_warnings INTERFACE -Werror)
endif()
