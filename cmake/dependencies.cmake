# Outside libraries. Debian packages by find_package; blst from the C sources inside the pinned npm
# package c-kzg, which scripts/bootstrap puts under build/deps.
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(tl-expected REQUIRED)
find_package(GTest REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(PkgConfig REQUIRED)
pkg_check_modules(SECP256K1 REQUIRED IMPORTED_TARGET libsecp256k1)
find_program(PYTHON3 NAMES python3 REQUIRED)

find_path(RAPIDCHECK_INCLUDE rapidcheck.h REQUIRED)
find_library(RAPIDCHECK_LIBRARY rapidcheck REQUIRED)
add_library(rapidcheck INTERFACE)
target_include_directories(rapidcheck SYSTEM INTERFACE ${RAPIDCHECK_INCLUDE})
target_link_libraries(rapidcheck INTERFACE ${RAPIDCHECK_LIBRARY})

set(CKZG_DIR ${MUTIRAO_DEPS}/node_modules/c-kzg/deps)
if(NOT EXISTS ${CKZG_DIR}/blst/src/server.c)
    message(FATAL_ERROR "blst is missing: run scripts/bootstrap (wanted ${CKZG_DIR}/blst)")
endif()
# Portable: the ADX path is chosen at run time.
add_library(blst STATIC ${CKZG_DIR}/blst/src/server.c ${CKZG_DIR}/blst/build/assembly.S)
target_include_directories(blst SYSTEM PUBLIC ${CKZG_DIR}/blst/bindings)
target_compile_definitions(blst PRIVATE __BLST_PORTABLE__)
target_compile_options(blst PRIVATE -O2 -w)
set(KZG_TRUSTED_SETUP ${CKZG_DIR}/c-kzg/trusted_setup.txt)
