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
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// Syncs a directory, so that the names in it survive a power cut.
inline void sync_directory(std::filesystem::path const& directory) noexcept {
    if (descriptor const d{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)}) ::fsync(d.get());
}

/// Names records and fields by HMAC-SHA-256 under the secret. Thread safety: any thread.
class name_maker {
public:
    explicit name_maker(std::span<std::uint8_t const> secret) : mac_{secret} {}

    /// Tells one secret from another without telling anything about it.
    [[nodiscard]] std::string secret_id() const { return text(mac_.of(std::string_view{"coffer secret id"}), 16); }
    [[nodiscard]] record_id id_of(key const& k) const {
        return {std::string{k.name_space()}, text(mac_.of(std::string_view{"coffer key\n"}, k.bytes()), 32)};
    }
    /// A fingerprint whose values tell nothing, not even that two records have equal ones.
    [[nodiscard]] fingerprint conceal(record_id const& id, fingerprint const& print) const {
        fingerprint concealed{print.version()};
        for (auto const& f : print.fields())
            concealed.with(f.name, text(mac_.of(std::string_view{"coffer field\n"}, id.digest,
                                                std::to_string(f.name.size()) + ":", f.name, f.value),
                                        16));
        return concealed;
    }

    /// The same for all requests with that fingerprint, under any key; tells nothing else of it.
    [[nodiscard]] std::string work_of(fingerprint const& print) const {
        auto const digest = mac_.of(std::string_view{"coffer work\n"}, print.text());
        return crypto::to_hex(std::span{digest}.first(16));
    }

private:
    static std::string text(crypto::digest256 const& digest, std::size_t size) {
        return {reinterpret_cast<char const*>(digest.data()), size};
    }
    crypto::hmac_sha256 mac_;
};

/// The secret's file.
class secret_file {
public:
    using bytes = std::array<std::uint8_t, 32>;

    explicit secret_file(std::filesystem::path path) : path_{std::move(path)} {}

    [[nodiscard]] bool exists() const {
        struct stat s{};
        return ::lstat(path_.c_str(), &s) == 0;
    }

    /// Throws `std::runtime_error`, which says what to do, if the file is missing, unreadable, not 32 bytes long, or
    /// open to others.
    [[nodiscard]] std::unique_ptr<name_maker> read() const {
        descriptor const file{::open(path_.c_str(), O_RDONLY | O_CLOEXEC)};
        if (!file && errno == ENOENT)
            refuse(
                "is missing beside a store that has records. Restore it from the backup: without it no key can be "
                "found, and everything would be paid again. To begin anew, move the store away as well");
        if (!file) refuse("cannot be read (" + std::generic_category().message(errno) + "); make it readable");
        struct stat s{};
        if (::fstat(file.get(), &s) != 0 || !S_ISREG(s.st_mode)) refuse("is not a regular file");
        if ((s.st_mode & 077U) != 0)
            refuse("is open to other users; chmod 600 it, and if they are not trusted, begin with a new store");
        std::array<std::uint8_t, 33> buffer{};
        auto const size = read_all(file, buffer);
        if (size != 32) {
            OPENSSL_cleanse(buffer.data(), buffer.size());
            refuse("has not the 32 bytes that a secret has; restore it from the backup");
        }
        auto made = std::make_unique<name_maker>(std::span{buffer}.first<32>());
        OPENSSL_cleanse(buffer.data(), buffer.size());
        return made;
    }

    /// Makes the file if there is none. Of several processes that try at once one succeeds, and all agree afterwards.
    void make() const {
        if (exists()) return;
        bytes secret{};
        fill_random(secret);
        auto const draft = path_.string() + "." + random_name();
        descriptor const file{::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
        if (!file) refuse("cannot be made (" + std::generic_category().message(errno) + ")");
        bool const written = ::fchmod(file.get(), 0600) == 0 &&
                             ::write(file.get(), secret.data(), secret.size()) == static_cast<ssize_t>(secret.size()) &&
                             ::fsync(file.get()) == 0;
        OPENSSL_cleanse(secret.data(), secret.size());
        auto code = written ? 0 : errno;
        // A link never replaces: the first one stands. Readers see either nothing or all 32 bytes.
        if (written && ::link(draft.c_str(), path_.c_str()) != 0 && errno != EEXIST) code = errno;
        ::unlink(draft.c_str());
        if (code != 0) refuse("cannot be written (" + std::generic_category().message(code) + ")");
        sync_directory(path_.parent_path());
    }

private:
    [[noreturn]] void refuse(std::string const& why) const {
        throw std::runtime_error{"coffer::sqlite: the secret " + path_.string() + " " + why};
    }
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
