# Functions that declare MACE's targets. One static library per folder; unit tests (x_test.cc) stand beside the code.
find_package(Threads REQUIRED)

add_library(mace_flags INTERFACE)
target_include_directories(mace_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR})
# -ffp-contract=off: a multiply and an add are fused only where a kernel says so, so that all compilers agree.
target_compile_options(mace_flags INTERFACE -Wall -Wextra -Wno-unused-parameter -ffp-contract=off
  -ffunction-sections -fdata-sections $<$<BOOL:${MACE_WERROR}>:-Werror>)
if(MACE_SANITIZE)
  # vptr: needs the RTTI that the device tier is built without.
  target_compile_options(mace_flags INTERFACE -fsanitize=${MACE_SANITIZE} -fno-sanitize=vptr -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(mace_flags INTERFACE -fsanitize=${MACE_SANITIZE})
endif()

# Header-only dependencies from Debian, reached through links in the build folder: a cross compiler must not see
# all of /usr/include.
set(MACE_HEADER_DIR ${PROJECT_BINARY_DIR}/third_party_headers)
file(MAKE_DIRECTORY ${MACE_HEADER_DIR})
foreach(header flatbuffers xxhash.h protozero nlohmann CLI)
  if(EXISTS /usr/include/${header})
    file(CREATE_LINK /usr/include/${header} ${MACE_HEADER_DIR}/${header} SYMBOLIC)
  else()
    message(FATAL_ERROR "/usr/include/${header} is missing: run 'make install_packages' (see README.md)")
  endif()
endforeach()
add_library(mace_headers INTERFACE)
target_include_directories(mace_headers SYSTEM INTERFACE ${MACE_HEADER_DIR})

if(MACE_BUILD_TESTS)
  # Built from Debian's sources, so that cross and sanitizer builds use the same flags as the code under test.
  set(INSTALL_GTEST OFF)
  add_subdirectory(/usr/src/googletest ${PROJECT_BINARY_DIR}/googletest EXCLUDE_FROM_ALL)
  if(MACE_SANITIZE)
    foreach(target gtest gtest_main gmock)
      target_compile_options(${target} PRIVATE -fsanitize=${MACE_SANITIZE})
    endforeach()
  endif()
endif()

# mace_library(name [HOST] [SOURCES ...] [DEPENDS ...] [TEST_DEPENDS ...]): static library `name` from the given
# sources (default: all *.cc of the folder and its direct subfolders but *_test.cc and *.simd.cc), and a test program `name`_test
# from the *_test.cc files. Without HOST it belongs to the device tier: no exceptions, no RTTI.
function(mace_library name)
  cmake_parse_arguments(arg "HOST" "" "SOURCES;DEPENDS;TEST_DEPENDS" ${ARGN})
  if(NOT arg_SOURCES)
    file(GLOB_RECURSE arg_SOURCES CONFIGURE_DEPENDS *.cc)
    list(FILTER arg_SOURCES EXCLUDE REGEX "(_test|\\.simd)\\.cc$")
  endif()
  if(NOT arg_SOURCES)
    file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/${name}_empty.cc "")
    set(arg_SOURCES ${CMAKE_CURRENT_BINARY_DIR}/${name}_empty.cc)
  endif()
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC mace_flags mace_headers ${arg_DEPENDS})
  if(NOT arg_HOST)
    target_compile_options(${name} PRIVATE -fno-exceptions -fno-rtti)
  endif()
  if(MACE_BUILD_TESTS)
    file(GLOB_RECURSE tests CONFIGURE_DEPENDS *_test.cc)
    if(tests)
      mace_test(${name}_test SOURCES ${tests} DEPENDS ${name} ${arg_TEST_DEPENDS})
    endif()
  endif()
endfunction()

# mace_test(name SOURCES ... DEPENDS ...): a GoogleTest program, run by ctest; under qemu-user in a cross build
# (CMAKE_CROSSCOMPILING_EMULATOR).
function(mace_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS} mace_flags mace_headers gtest gtest_main Threads::Threads)
  if(MACE_SANITIZE)
    target_compile_options(${name} PRIVATE -O0)  # the tests' own code: compiled in half the time
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 1200)
endfunction()
