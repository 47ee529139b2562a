# The tests, by layer. Found by name, so that a new test needs no edit here:
#   tests/unit/FOLDER/test_NAME.c       ctest test_FOLDER_NAME, on FOLDER's library and those below
#   tests/{tables,scenarios,sim}/test_NAME.c   ctest test_LAYER_NAME, on everything but the programs
#   tests/sim/*.c                       the simulator, library of these and program hefu_sim
#   tests/integration/test_NAME.py      ctest integration_NAME, real processes on loopback
#   tests/faults/NAME.c                 NAME.so, which tests/integration preload into a process
#   tests/vectors/check.py              ctest vectors_check, the independent Python verifier
#   tests/fuzz/fuzz_NAME.c              libFuzzer target; else ctest fuzz_NAME replays its corpus
#   bench/bench_NAME.c                  program bench_NAME
# A name that ends in _long runs under scripts/test --long only. Tests find files by the macro
# HEFU_SOURCE_DIR and get the environment HEFU_SOURCE_DIR and HEFU_BIN_DIR.

find_package(Python3 COMPONENTS Interpreter)
pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)

set(HEFU_TEST_ENVIRONMENT
    "HEFU_SOURCE_DIR=${CMAKE_SOURCE_DIR}" "HEFU_BIN_DIR=${CMAKE_BINARY_DIR}"
    "ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1"
    "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1"
    "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1")

function(hefu_test_settings name layer)
    set(labels "${layer}")
    if(name MATCHES "_long$")
        list(APPEND labels long)
    endif()
    set(timeout 300)
    if(HEFU_SANITIZE)
        set(timeout 1200)
    endif()
    if(name MATCHES "_long$")
        set(timeout 7200)
    endif()
    set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT ${timeout}
        ENVIRONMENT "${HEFU_TEST_ENVIRONMENT}" SKIP_RETURN_CODE 77)
endfunction()

function(hefu_test_target name source)
    add_executable(${name} "${source}")
    target_compile_definitions(${name} PRIVATE _GNU_SOURCE HEFU_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    target_link_libraries(${name} PRIVATE hefu_flags hefu_warnings)
    if(TARGET hefu_support)
        target_link_libraries(${name} PRIVATE hefu_support)
    endif()
    hefu_resolve(libraries ${ARGN})
    target_link_libraries(${name} PRIVATE ${libraries} PkgConfig::cmocka)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
endfunction()

# Helpers of the tests. A static library, so that a test takes from it only what it uses and a
# test of a low layer never links a higher one through it.
file(GLOB support CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/support/*.c")
if(support)
    add_library(hefu_support STATIC ${support})
    target_compile_definitions(hefu_support PRIVATE
        _GNU_SOURCE HEFU_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    target_link_libraries(hefu_support PRIVATE hefu_flags hefu_warnings PkgConfig::cmocka)
    target_include_directories(hefu_support SYSTEM PRIVATE
        "${CMAKE_BINARY_DIR}/generated" "${HEFU_NNG_INCLUDE}")
    if(TARGET hefu_wire_headers)
        add_dependencies(hefu_support hefu_wire_headers)
    endif()
endif()

foreach(folder IN ITEMS base consensus ledger proto node cli)
    file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/unit/${folder}/test_*.c")
    get_target_property(kind hefu_${folder} TYPE)
    if(sources AND kind STREQUAL "INTERFACE_LIBRARY")
        message(STATUS "${folder}/ has no sources yet: its unit tests are left out")
        continue()
    endif()
    foreach(source IN LISTS sources)
        get_filename_component(stem "${source}" NAME_WE)
        string(REGEX REPLACE "^test_" "test_${folder}_" name "${stem}")
        hefu_test_target(${name} "${source}" ${folder})
        add_test(NAME ${name} COMMAND ${name})
        hefu_test_settings(${name} unit)
    endforeach()
endforeach()

foreach(layer IN ITEMS tables scenarios sim)
    file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/${layer}/test_*.c")
    # The simulator and its actors stand beside its tests.
    file(GLOB parts CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/${layer}/*.c")
    list(FILTER parts EXCLUDE REGEX "/test_[^/]*\\.c$")
    if(parts)
        add_library(hefu_${layer}_parts STATIC ${parts})
        target_compile_definitions(hefu_${layer}_parts PRIVATE _GNU_SOURCE)
        target_link_libraries(hefu_${layer}_parts PRIVATE hefu_flags hefu_warnings
            PUBLIC hefu_support hefu_node)
        target_include_directories(hefu_${layer}_parts SYSTEM PRIVATE
            "${CMAKE_BINARY_DIR}/generated" "${HEFU_NNG_INCLUDE}")
        if(TARGET hefu_wire_headers)
            add_dependencies(hefu_${layer}_parts hefu_wire_headers)
        endif()
    endif()
    foreach(source IN LISTS sources)
        get_filename_component(stem "${source}" NAME_WE)
        string(REGEX REPLACE "^test_" "test_${layer}_" name "${stem}")
        hefu_test_target(${name} "${source}" cli)
        if(parts)
            target_link_libraries(${name} PRIVATE hefu_${layer}_parts hefu_support hefu_node)
        endif()
        add_test(NAME ${name} COMMAND ${name})
        hefu_test_settings(${name} ${layer})
    endforeach()
endforeach()

# The simulator as a program (scripts/sim).
if(TARGET hefu_sim_parts)
    hefu_test_target(hefu_sim "${CMAKE_SOURCE_DIR}/tests/sim/program/main.c" node)
    target_link_libraries(hefu_sim PRIVATE hefu_sim_parts hefu_support hefu_node)
endif()

file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_*.c")
foreach(source IN LISTS sources)
    get_filename_component(name "${source}" NAME_WE)
    hefu_test_target(${name} "${source}" cli)
    if(HEFU_FUZZ)
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    else()
        string(REGEX REPLACE "^fuzz_" "" corpus "${name}")
        target_sources(${name} PRIVATE "${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c")
        add_test(NAME ${name} COMMAND ${name} "${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${corpus}")
        hefu_test_settings(${name} fuzz)
    endif()
endforeach()

# Not with a sanitizer or for coverage, whose own runtimes must come first and use the same calls:
# tests that need a shim skip without it.
file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/faults/*.c")
if(NOT HEFU_SANITIZE AND NOT HEFU_COVERAGE AND NOT HEFU_FUZZ)
    foreach(source IN LISTS sources)
        get_filename_component(name "${source}" NAME_WE)
        add_library(${name} MODULE "${source}")
        target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
        target_link_libraries(${name} PRIVATE hefu_warnings)
        set_target_properties(${name} PROPERTIES PREFIX ""
            LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests/faults")
    endforeach()
endif()

file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/integration/test_*.py")
if(Python3_FOUND AND TARGET hefud AND TARGET hefu AND NOT HEFU_FUZZ)
    foreach(source IN LISTS sources)
        get_filename_component(stem "${source}" NAME_WE)
        string(REGEX REPLACE "^test_" "integration_" name "${stem}")
        add_test(NAME ${name} COMMAND "${Python3_EXECUTABLE}" -B "${source}")
        hefu_test_settings(${name} integration)
        # Each starts several nodes: two at once would only measure the machine.
        set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
    endforeach()
endif()

file(GLOB checker CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/vectors/check.py")
if(Python3_FOUND AND checker)
    add_test(NAME vectors_check COMMAND "${Python3_EXECUTABLE}" -B "${checker}")
    hefu_test_settings(vectors_check vectors)
endif()

file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/bench/bench_*.c")
foreach(source IN LISTS sources)
    get_filename_component(name "${source}" NAME_WE)
    hefu_test_target(${name} "${source}" cli)
endforeach()
