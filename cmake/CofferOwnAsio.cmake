# SPDX-License-Identifier: BSL-1.0
#
# Our own programs say asio:: and <asio/post.hpp>. Where coffer stands on Boost.Asio they mean that one: here is a directory
# of headers that say so, in front of all others. Nothing here reaches a user.
if(COFFER_ASIO STREQUAL "boost")
    get_target_property(directories Boost::headers INTERFACE_INCLUDE_DIRECTORIES)
    find_path(COFFER_BOOST_INCLUDE_DIR boost/asio.hpp HINTS ${directories} NO_DEFAULT_PATH)
    mark_as_advanced(COFFER_BOOST_INCLUDE_DIR)
    file(GLOB_RECURSE headers RELATIVE ${COFFER_BOOST_INCLUDE_DIR}/boost ${COFFER_BOOST_INCLUDE_DIR}/boost/asio/*.hpp)
    list(FILTER headers EXCLUDE REGEX "^asio/(detail|impl|execution/detail|execution/impl|.*/detail|.*/impl)/")
    foreach(header IN LISTS headers)
        file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/asio_of_boost/${header} CONTENT
            "#include <boost/@header@>\nnamespace boost::asio {}\nnamespace asio = boost::asio;\n" @ONLY)
    endforeach()
    include_directories(BEFORE SYSTEM ${PROJECT_BINARY_DIR}/asio_of_boost)
endif()
