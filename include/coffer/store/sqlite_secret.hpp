// SPDX-License-Identifier: BSL-1.0
#pragma once
// The installation's secret: 32 random bytes beside the store's file, under which keys are stored.
//
// Whoever has the store's file alone can neither read the keys nor guess them; whoever loses the secret can no longer
// find them, and everything would be paid again. So it belongs into the backup, and is never made anew beside records.

#include <coffer/base/fingerprint.hpp>
#include <coffer/base/key.hpp>
#include <coffer/crypto/hash.hpp>
#include <coffer/state/record.hpp>
#include <coffer/store/sqlite_owner.hpp>

#include <array>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// Syncs a directory, so that the names in it survive a power cut.
void sync_directory(std::filesystem::path const& directory) noexcept;

/// Names records and fields by HMAC-SHA-256 under the secret. Thread safety: any thread.
class name_maker {
public:
    explicit name_maker(std::span<std::uint8_t const> secret) : mac_{secret} {}

    /// Tells one secret from another without telling anything about it.
    [[nodiscard]] std::string secret_id() const;
    [[nodiscard]] record_id id_of(key const& k) const;
    /// A fingerprint whose values tell nothing, not even that two records have equal ones.
    [[nodiscard]] fingerprint conceal(record_id const& id, fingerprint const& print) const;

    /// The same for all requests with that fingerprint, under any key; tells nothing else of it.
    [[nodiscard]] std::string work_of(fingerprint const& print) const;

private:
    static std::string text(crypto::digest256 const& digest, std::size_t size);
    crypto::hmac_sha256 mac_;
};

/// The secret's file.
class secret_file {
public:
    using bytes = std::array<std::uint8_t, 32>;

    explicit secret_file(std::filesystem::path path) : path_{std::move(path)} {}

    [[nodiscard]] bool exists() const;

    /// Throws `std::runtime_error`, which says what to do, if the file is missing, unreadable, not 32 bytes long, or
    /// open to others.
    [[nodiscard]] std::unique_ptr<name_maker> read() const;

    /// Makes the file if there is none. Of several processes that try at once one succeeds, and all agree afterwards.
    void make() const;

private:
    [[noreturn]] void refuse(std::string const& why) const;
    template <std::size_t N>
    static std::size_t read_all(descriptor const& file, std::array<std::uint8_t, N>& into) {
        std::size_t size = 0;
        while (size < N) {
            auto const got = ::read(file.get(), into.data() + size, N - size);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) break;
            size += static_cast<std::size_t>(got);
        }
        return size;
    }

    std::filesystem::path path_;
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_secret.ipp>
#endif
