# An overlay port: it builds the checkout that it lies in, so that nothing has to be downloaded. (In a registry
# vcpkg_from_github, with the release's hash, would take the place of the next line.)
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)

set(VCPKG_BUILD_TYPE release) # headers only

vcpkg_check_features(OUT_FEATURE_OPTIONS FEATURE_OPTIONS
    FEATURES
        http   COFFER_WITH_HTTP
        llm    COFFER_WITH_LLM
        sqlite COFFER_WITH_SQLITE
        zones  COFFER_WITH_ZONES
)

vcpkg_cmake_configure(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS
        ${FEATURE_OPTIONS}
        -DCOFFER_BUILD_TOOLS=OFF
        -DCOFFER_BUILD_EXAMPLES=OFF
        -DCOFFER_BUILD_TESTS=OFF
)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH share/cmake/coffer)
vcpkg_fixup_pkgconfig()

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/share/licenses")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
