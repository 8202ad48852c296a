# room(NAME DEPS ... LIBRARIES ...): one folder under src/ is one library.
#
# From the folder's files alone it declares
#   mutirao::NAME        *.cpp except the ones below (header-only rooms become INTERFACE libraries)
#   NAME_test            *_test.cpp, registered with ctest
#   NAME_STEM_fuzz       each *_fuzz.cpp; an ordinary build links it to fuzz/replay_main.cpp and a
#                        test replays corpus/NAME_STEM; the fuzz preset links libFuzzer
#   NAME_STEM_bench      each *_bench.cpp
# DEPS are rooms on lower floors (cmake/floors.txt); scripts/checks/layering.py holds every
# #include to them. LIBRARIES are outside libraries. TEST_DEPS and TEST_LIBRARIES serve tests only.
include(GoogleTest)

function(mutirao_flags target)
    target_compile_features(${target} PUBLIC cxx_std_20)
    target_compile_options(${target} PRIVATE ${MUTIRAO_WARNINGS})
endfunction()

function(room NAME)
    cmake_parse_arguments(ARG "" "" "DEPS;LIBRARIES;TEST_DEPS;TEST_LIBRARIES" ${ARGN})
    set(dir ${CMAKE_CURRENT_SOURCE_DIR})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${dir}/*.cpp)
    set(tests ${sources})
    set(fuzzers ${sources})
    set(benches ${sources})
    list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
    list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cpp$")
    list(FILTER benches INCLUDE REGEX "_bench\\.cpp$")
    list(FILTER sources EXCLUDE REGEX "(_test|_fuzz|_bench|_main)\\.cpp$")
    list(FILTER sources EXCLUDE REGEX "/plugin/")

    set(deps ${ARG_DEPS})
    list(TRANSFORM deps PREPEND mutirao::)
    set(library mutirao_${NAME})
    if(sources)
        add_library(${library} STATIC ${sources})
        target_include_directories(${library} PUBLIC ${PROJECT_SOURCE_DIR}/src)
        target_link_libraries(${library} PUBLIC ${deps} ${ARG_LIBRARIES})
        mutirao_flags(${library})
    else()
        add_library(${library} INTERFACE)
        target_include_directories(${library} INTERFACE ${PROJECT_SOURCE_DIR}/src)
        target_link_libraries(${library} INTERFACE ${deps} ${ARG_LIBRARIES})
    endif()
    add_library(mutirao::${NAME} ALIAS ${library})

    # Every header compiles alone: `cmake --build ... --target all_verify_interface_header_sets`.
    file(GLOB headers CONFIGURE_DEPENDS ${dir}/*.hpp)
    list(FILTER headers EXCLUDE REGEX "/test_[^/]*$|_test\\.hpp$")
    if(headers)
        target_sources(${library} PUBLIC FILE_SET HEADERS
            BASE_DIRS ${PROJECT_SOURCE_DIR}/src FILES ${headers})
    endif()

    set(test_deps ${ARG_TEST_DEPS})
    list(TRANSFORM test_deps PREPEND mutirao::)
    if(tests AND BUILD_TESTING)
        add_executable(${NAME}_test ${tests})
        target_link_libraries(${NAME}_test PRIVATE ${library} ${test_deps} ${ARG_TEST_LIBRARIES}
            GTest::gtest GTest::gtest_main rapidcheck)
        target_compile_definitions(${NAME}_test PRIVATE
            MUTIRAO_VECTORS="${PROJECT_SOURCE_DIR}/vectors")
        mutirao_flags(${NAME}_test)
        gtest_discover_tests(${NAME}_test TEST_PREFIX ${NAME}. DISCOVERY_MODE PRE_TEST
            DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 300 LABELS unit)
    endif()

    foreach(source ${fuzzers})
        get_filename_component(stem ${source} NAME_WE)
        set(target ${NAME}_${stem})
        add_executable(${target} ${source})
        target_link_libraries(${target} PRIVATE ${library} ${test_deps})
        mutirao_flags(${target})
        if(MUTIRAO_FUZZ)
            target_link_options(${target} PRIVATE -fsanitize=fuzzer)
        else()
            target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/fuzz/replay_main.cpp)
            if(BUILD_TESTING)
                add_test(NAME ${target} COMMAND ${target} ${PROJECT_SOURCE_DIR}/corpus/${target})
                set_tests_properties(${target} PROPERTIES TIMEOUT 120 LABELS fuzz)
            endif()
        endif()
    endforeach()

    foreach(source ${benches})
        get_filename_component(stem ${source} NAME_WE)
        add_executable(${NAME}_${stem} ${source})
        target_link_libraries(${NAME}_${stem} PRIVATE ${library} ${test_deps})
        mutirao_flags(${NAME}_${stem})
    endforeach()
endfunction()
