# Outside libraries. Debian packages by find_package; blst from the C sources inside the pinned npm
# package c-kzg, and libsecp256k1 from those inside the pinned PyPI package electrum-ecc, which
# scripts/bootstrap puts under build/deps.
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(tl-expected REQUIRED)
find_package(GTest REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(PkgConfig REQUIRED)
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

# Debian's is slower, and does where the other could not be fetched.
set(SECP256K1_DIR ${MUTIRAO_DEPS}/secp256k1)
if(EXISTS ${MUTIRAO_DEPS}/secp256k1.package)
    add_library(secp256k1 STATIC ${SECP256K1_DIR}/src/secp256k1.c
        ${SECP256K1_DIR}/src/precomputed_ecmult.c ${SECP256K1_DIR}/src/precomputed_ecmult_gen.c)
    target_include_directories(secp256k1 PRIVATE ${SECP256K1_DIR}/include)
    set(SECP256K1_INCLUDE ${SECP256K1_DIR}/include) # for the sources that name it
    target_compile_definitions(secp256k1 PRIVATE
        ENABLE_MODULE_RECOVERY=1 ECMULT_WINDOW_SIZE=15 COMB_BLOCKS=43 COMB_TEETH=6)
    target_compile_options(secp256k1 PRIVATE -O2 -w)
else()
    pkg_check_modules(SECP256K1 REQUIRED IMPORTED_TARGET libsecp256k1)
    add_library(secp256k1 INTERFACE)
    target_link_libraries(secp256k1 INTERFACE PkgConfig::SECP256K1)
endif()
set(KZG_TRUSTED_SETUP ${CKZG_DIR}/c-kzg/trusted_setup.txt)
