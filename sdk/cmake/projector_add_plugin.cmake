# projector_add_plugin(NAME SOURCE...)
#
# A target NAME that builds NAME.so the way the host wants a plugin: no lib in front of the name, one exported symbol, no
# symbol left unresolved, nothing that would keep the library from being unloaded. C and C++ sources. It is put into
# PROJECTOR_PLUGIN_OUTPUT_DIRECTORY, by default the folder plugins of the build directory.
include_guard(GLOBAL)
include(CheckCXXCompilerFlag)

function(projector_add_plugin name)
  if(NOT name MATCHES "^[a-z][a-z0-9_]*$")
    message(FATAL_ERROR "projector_add_plugin: '${name}' is no plugin name; expected [a-z][a-z0-9_]*, as in the descriptor")
  endif()
  if(NOT ARGN)
    message(FATAL_ERROR "projector_add_plugin: '${name}' has no sources")
  endif()
  if(NOT PROJECTOR_PLUGIN_OUTPUT_DIRECTORY)
    set(PROJECTOR_PLUGIN_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/plugins)
  endif()
  set(map ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map)
  add_library(${name} MODULE ${ARGN})
  target_link_libraries(${name} PRIVATE projector::sdk)
  set_target_properties(${name} PROPERTIES
    PREFIX ""
    SUFFIX .so
    LIBRARY_OUTPUT_DIRECTORY ${PROJECTOR_PLUGIN_OUTPUT_DIRECTORY}
    C_VISIBILITY_PRESET hidden
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    LINK_DEPENDS ${map})
  target_link_options(${name} PRIVATE LINKER:--version-script=${map})

  # A sanitizer's runtime is found in the program that loads the plugin only.
  string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
  get_target_property(options ${name} LINK_OPTIONS)
  get_directory_property(directory_options LINK_OPTIONS)
  string(CONCAT everything "${options} ${directory_options} ${CMAKE_C_FLAGS} ${CMAKE_CXX_FLAGS} "
    "${CMAKE_C_FLAGS_${build_type}} ${CMAKE_CXX_FLAGS_${build_type}} "
    "${CMAKE_MODULE_LINKER_FLAGS} ${CMAKE_MODULE_LINKER_FLAGS_${build_type}}")
  if(NOT everything MATCHES "-fsanitize")
    target_link_options(${name} PRIVATE LINKER:-z,defs)
  endif()

  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  if(CXX IN_LIST languages)
    check_cxx_compiler_flag(-fno-gnu-unique PROJECTOR_HAS_NO_GNU_UNIQUE)
    if(PROJECTOR_HAS_NO_GNU_UNIQUE)
      target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-gnu-unique>)
    endif()
  endif()
endfunction()
