# lugger_embed(target): stdlib/, scripts/, docs/, abi.h and argparse.lua as one table name -> bytes in a generated source
# file.
# The same file is the generator: cmake -DOUT=... -DROOT=... -DARGPARSE=... -P embed.cmake
if(NOT CMAKE_SCRIPT_MODE_FILE)
  function(lugger_embed target)
    set(root ${PROJECT_SOURCE_DIR})
    file(GLOB_RECURSE files CONFIGURE_DEPENDS ${root}/stdlib/*.lua ${root}/scripts/*.lua ${root}/docs/*.md)
    list(APPEND files ${root}/bindings/abi.h ${LUGGER_ARGPARSE})
    set(out ${CMAKE_CURRENT_BINARY_DIR}/embedded.cpp)
    add_custom_command(OUTPUT ${out} VERBATIM
      COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DROOT=${root} -DARGPARSE=${LUGGER_ARGPARSE} -P ${root}/cmake/embed.cmake
      DEPENDS ${files} ${root}/cmake/embed.cmake)
    target_sources(${target} PRIVATE ${out})
  endfunction()
  return()
endif()

file(GLOB_RECURSE stdlib RELATIVE ${ROOT}/stdlib ${ROOT}/stdlib/*.lua)
file(GLOB scripts RELATIVE ${ROOT} ${ROOT}/scripts/*.lua)
file(GLOB pages RELATIVE ${ROOT} ${ROOT}/docs/*.md)
# help() and `lugger help NAME` answer from the sources that this page is made of.
list(REMOVE_ITEM pages docs/api.md docs/api-inner.md)

set(entries "")
# A raw string holds the bytes as they are; the delimiter occurs in no file.
macro(embed name path)
  file(READ ${path} content)
  string(APPEND entries "    {\"${name}\"sv, R\"LUGGEREMBED(${content})LUGGEREMBED\"sv},\n")
endmacro()
foreach(name IN LISTS stdlib)
  embed(${name} ${ROOT}/stdlib/${name})
endforeach()
foreach(name IN LISTS scripts pages)
  embed(${name} ${ROOT}/${name})
endforeach()
embed(argparse.lua ${ARGPARSE})
embed(abi.h ${ROOT}/bindings/abi.h)

file(WRITE ${OUT} "#include \"bindings/embedded.hpp\"\n\nnamespace lugger {\n\nusing namespace std::string_view_literals;\n
static constexpr EmbeddedFile kFiles[] = {\n${entries}};\n
std::span<const EmbeddedFile> embedded_files() noexcept { return kFiles; }\n\n}  // namespace lugger\n")
