// SPDX-License-Identifier: BSL-1.0
// The snippets of docs/data.md, in a test that runs them.

#include <coffer/crypto/key_ring.hpp>
#include <coffer/store/sqlite.hpp>
#include <coffer/store/sqlite_reencrypt.hpp>

#include <gtest/gtest.h>

#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

namespace data_page {
namespace {

using namespace coffer;

//! [open]
/// Two keys as `openssl rand -hex 32` writes them; the second one only reads.
sqlite::store open_store(std::filesystem::path const& file, std::string const& key, std::string const& key_before) {
    auto const keys = std::make_shared<crypto::key_ring>("2026-11", crypto::secret_key::from_hex(key));
    keys->also_read("2026-05", crypto::secret_key::from_hex(key_before));
    sqlite::options options;
    options.body_keys = keys;
    return sqlite::store{file, options};
}
//! [open]

TEST(data_page, a_store_is_opened_with_keys_and_re_encrypted) {
    auto pattern = (std::filesystem::temp_directory_path() / "coffer-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    std::filesystem::path const directory{pattern};
    std::string const key(64, '1');
    auto const file = directory / "coffer.db";
    EXPECT_THROW((void)open_store(file, "no key", key), std::invalid_argument);
    {
        auto const db = open_store(file, key, std::string(64, '2'));
        auto const keys = std::make_shared<crypto::key_ring>("2026-11", crypto::secret_key::from_hex(key));
        //! [reencrypt]
        sqlite::reencrypted const done = sqlite::reencrypt(file, keys);  // beside programs that use the store
        //! [reencrypt]
        EXPECT_EQ(done.rewritten, 0U);
    }
    std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace data_page
