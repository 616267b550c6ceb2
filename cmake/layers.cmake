# lugger_layer(name links...): one OBJECT library from runtime/<name>/*.cpp. The links are the layers to its left; a test
# reads the includes and fails on an arrow that points the other way.
add_library(lugger_flags INTERFACE)
target_compile_options(lugger_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor $<$<BOOL:${LUGGER_WERROR}>:-Werror>)
target_compile_definitions(lugger_flags INTERFACE LUGGER_VERSION="${PROJECT_VERSION}")
target_include_directories(lugger_flags INTERFACE ${PROJECT_SOURCE_DIR}/runtime)
target_include_directories(lugger_flags SYSTEM INTERFACE $<TARGET_PROPERTY:fmt::fmt,INTERFACE_INCLUDE_DIRECTORIES>)
target_link_libraries(lugger_flags INTERFACE Threads::Threads)
if(LUGGER_SANITIZE)
  # GCC 12 sees uninitialised values where a sanitizer's own code stands.
  target_compile_options(lugger_flags INTERFACE -fsanitize=${LUGGER_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(lugger_flags INTERFACE -fsanitize=${LUGGER_SANITIZE})
endif()

# From left to right; those between place and registry are kinds of places.
set(LUGGER_LAYERS base sql http value vector embed plan change place store files postgres mongo weaviate pinecone registry census engine verify fix)

# lugger_layers_to(layer out): the layer and those to its left.
function(lugger_layers_to layer out)
  list(FIND LUGGER_LAYERS ${layer} last)
  math(EXPR count "${last} + 1")
  list(SUBLIST LUGGER_LAYERS 0 ${count} found)
  set(${out} ${found} PARENT_SCOPE)
endfunction()

function(lugger_layer name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  if(NOT sources)
    file(WRITE ${PROJECT_BINARY_DIR}/empty_${name}.cpp "")
    set(sources ${PROJECT_BINARY_DIR}/empty_${name}.cpp)
  endif()
  add_library(lugger_${name} OBJECT ${sources})
  target_link_libraries(lugger_${name} PUBLIC lugger_flags ${ARGN})
  if(name STREQUAL "base")
    target_precompile_headers(lugger_base PRIVATE <pch.hpp>)
  else()
    target_precompile_headers(lugger_${name} REUSE_FROM lugger_base)
  endif()
endfunction()

# The objects of the named layers, for an executable: OBJECT libraries do not pass their objects on by themselves.
function(lugger_use_layers target)
  foreach(layer ${ARGN})
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:lugger_${layer}>)
    target_link_libraries(${target} PRIVATE lugger_${layer})
  endforeach()
endfunction()
