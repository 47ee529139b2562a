# The layers' libraries and the two programs.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# hefu_dependency(NAME PACKAGE pkg-config-name): an interface target dep_NAME.
function(hefu_dependency name package)
    pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${package})
    add_library(dep_${name} INTERFACE)
    target_link_libraries(dep_${name} INTERFACE PkgConfig::${name})
endfunction()

hefu_dependency(sodium libsodium)
hefu_dependency(lmdb lmdb)
hefu_dependency(protobuf_c libprotobuf-c)
hefu_dependency(jansson jansson)
hefu_dependency(inih inih)

# Debian's nng has no pkg-config file; its CMake package would pull in static mbedTLS targets.
find_path(HEFU_NNG_INCLUDE nng/nng.h REQUIRED)
find_library(HEFU_NNG_LIBRARY nng REQUIRED)
add_library(dep_nng INTERFACE)
target_include_directories(dep_nng SYSTEM INTERFACE "${HEFU_NNG_INCLUDE}")
target_link_libraries(dep_nng INTERFACE "${HEFU_NNG_LIBRARY}")

add_library(dep_threads INTERFACE)
target_link_libraries(dep_threads INTERFACE Threads::Threads)

# hefu_resolve(OUT name...): the targets that exist among dep_NAME and hefu_NAME.
function(hefu_resolve out)
    set(targets "")
    foreach(name IN LISTS ARGN)
        if(TARGET ${name})
            list(APPEND targets ${name})
        elseif(TARGET hefu_${name})
            list(APPEND targets hefu_${name})
        endif()
    endforeach()
    set(${out} "${targets}" PARENT_SCOPE)
endfunction()

# hefu_protobuf(): compiles proto/*.proto with protoc-c into the build tree, as hefu_wire. Included
# as "proto/NAME.pb-c.h". Generated code is not held to our warnings.
function(hefu_protobuf)
    find_program(HEFU_PROTOC_C protoc-c REQUIRED)
    file(GLOB schemas CONFIGURE_DEPENDS RELATIVE "${CMAKE_SOURCE_DIR}"
        "${CMAKE_SOURCE_DIR}/proto/*.proto")
    if(NOT schemas)
        return()
    endif()
    set(generated "${CMAKE_BINARY_DIR}/generated")
    file(MAKE_DIRECTORY "${generated}")
    set(sources "")
    foreach(schema IN LISTS schemas)
        string(REGEX REPLACE "\\.proto$" ".pb-c" stem "${schema}")
        add_custom_command(
            OUTPUT "${generated}/${stem}.c" "${generated}/${stem}.h"
            COMMAND "${HEFU_PROTOC_C}" "--c_out=${generated}" "-I${CMAKE_SOURCE_DIR}"
                    "${CMAKE_SOURCE_DIR}/${schema}"
            DEPENDS "${CMAKE_SOURCE_DIR}/${schema}"
            COMMENT "protoc-c ${schema}" VERBATIM)
        list(APPEND sources "${generated}/${stem}.c")
    endforeach()
    add_library(hefu_wire STATIC ${sources})
    target_compile_options(hefu_wire PRIVATE -w)
    target_include_directories(hefu_wire SYSTEM PUBLIC "${generated}")
    target_link_libraries(hefu_wire PRIVATE hefu_flags PUBLIC dep_protobuf_c)
    # Makes sure that the headers exist before anything that includes them is compiled.
    add_custom_target(hefu_wire_headers DEPENDS ${sources})
endfunction()

# hefu_library(FOLDER [PURE] [HOSTED] [PROTOBUF] DEPENDS name...): every .c file of FOLDER but
# main.c as libhefu_FOLDER.a. HOSTED code may use POSIX and GNU interfaces; PURE code gets plain C.
function(hefu_library folder)
    cmake_parse_arguments(arg "PURE;HOSTED;PROTOBUF" "" "DEPENDS" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/${folder}/*.c")
    list(FILTER sources EXCLUDE REGEX "/main\\.c$")
    if(arg_PROTOBUF)
        hefu_protobuf()
    endif()
    hefu_resolve(depends ${arg_DEPENDS})
    if(NOT sources)
        message(STATUS "${folder}/ has no sources yet: hefu_${folder} is left out")
        # What stands above must still reach what stands below.
        add_library(hefu_${folder} INTERFACE)
        target_link_libraries(hefu_${folder} INTERFACE ${depends})
        if(arg_PROTOBUF AND TARGET hefu_wire)
            target_link_libraries(hefu_${folder} INTERFACE hefu_wire)
            add_dependencies(hefu_${folder} hefu_wire_headers)
        endif()
        return()
    endif()
    add_library(hefu_${folder} STATIC ${sources})
    target_link_libraries(hefu_${folder} PUBLIC hefu_flags ${depends} PRIVATE hefu_warnings)
    if(arg_PROTOBUF AND TARGET hefu_wire)
        target_link_libraries(hefu_${folder} PUBLIC hefu_wire)
        add_dependencies(hefu_${folder} hefu_wire_headers)
    endif()
    if(arg_HOSTED)
        target_compile_definitions(hefu_${folder} PRIVATE _GNU_SOURCE)
    endif()
endfunction()

# hefu_program(NAME FOLDER folder): FOLDER/main.c on top of FOLDER's library.
function(hefu_program name)
    cmake_parse_arguments(arg "" "FOLDER" "" ${ARGN})
    set(main "${CMAKE_SOURCE_DIR}/${arg_FOLDER}/main.c")
    # A glob, so that the build notices when the file appears.
    file(GLOB found CONFIGURE_DEPENDS "${main}")
    if(NOT found)
        message(STATUS "${arg_FOLDER}/main.c is missing: ${name} is left out")
        return()
    endif()
    add_executable(${name} "${main}")
    target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
    target_link_libraries(${name} PRIVATE hefu_${arg_FOLDER} hefu_flags hefu_warnings)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
    install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()
