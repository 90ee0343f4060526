// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_backup.hpp.

#include <coffer/store/sqlite_backup.hpp>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace coffer::inline COFFER_ABI {

namespace sqlite::detail {

COFFER_INLINE draft::draft(std::filesystem::path target)
    : target_{std::move(target)}, path_{target_.string() + "." + random_name()} {
    file_ = descriptor{::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!file_ || ::fchmod(file_.get(), 0600) != 0) fail("cannot be made");
}

COFFER_INLINE draft::~draft() {
    ::unlink(path_.c_str());
    ::unlink((path_ + "-journal").c_str());
}

COFFER_INLINE void draft::keep() const {
    if (::fsync(file_.get()) != 0 || ::link(path_.c_str(), target_.c_str()) != 0) fail("cannot be written");
    sync_directory(target_.parent_path());
}

COFFER_INLINE void draft::fail(char const* what) const {
    throw std::runtime_error{"coffer::sqlite: the backup " + target_.string() + " " + what + ": " +
                             std::generic_category().message(errno)};
}

COFFER_INLINE void copy_secret(std::filesystem::path const& from, draft const& to) {
    descriptor const file{::open(from.c_str(), O_RDONLY | O_CLOEXEC)};
    std::array<char, 32> secret{};
    auto const got = file ? ::read(file.get(), secret.data(), secret.size()) : -1;
    auto const put = got == 32 ? ::write(to.fd(), secret.data(), secret.size()) : -1;
    OPENSSL_cleanse(secret.data(), secret.size());
    if (put != 32) to.fail("cannot have its secret");
}

COFFER_INLINE std::size_t verify(std::string const& copy, std::string const& secret_id) {
    auto const db = open_beside(copy, access::read, std::chrono::milliseconds{5000});
    statement const check{*db, "PRAGMA integrity_check"};
    auto const r = check.with();
    if (!r.next() || r.bytes() != "ok")
        throw std::runtime_error{
            "coffer::sqlite: the copy is damaged, so the store probably is; keep the last good backup, and check the "
            "disk"};
    if (stored_secret_id(*db) != secret_id)
        throw std::runtime_error{
            "coffer::sqlite: the secret beside the store is not the one that its keys were written under; a backup "
            "with it would be worth nothing"};
    return static_cast<std::size_t>(ask(*db, "SELECT count(*) FROM records"));
}

}  // namespace sqlite::detail

namespace sqlite {

COFFER_INLINE backed_up backup(std::filesystem::path const& file, std::filesystem::path const& to) {
    auto const path = detail::existing_file(file);
    auto const secret = path.string() + ".secret";
    auto const target = std::filesystem::absolute(to);
    auto const target_secret = target.string() + ".secret";
    for (auto const& name : {target.string(), target_secret}) {
        std::error_code ignored;
        if (std::filesystem::exists(std::filesystem::symlink_status(name, ignored)))
            throw std::runtime_error{"coffer::sqlite: " + name +
                                     " exists already; a backup replaces nothing, so name another file"};
    }
    auto const id = detail::secret_file{secret}.read()->secret_id();

    detail::draft const copy{target};
    detail::draft const copied_secret{target_secret};
    auto const db = detail::open_beside(path, detail::access::read, std::chrono::milliseconds{5000});
    detail::in_words(path.string(), "no backup was made: ", [&] {
        detail::statement{*db, "VACUUM INTO ?"}.run(std::string_view{copy.path()});
    });
    backed_up done;
    done.records = detail::verify(copy.path(), id);
    done.bytes = static_cast<std::int64_t>(std::filesystem::file_size(copy.path()));
    detail::copy_secret(secret, copied_secret);
    copied_secret.keep();
    try {
        copy.keep();
    } catch (...) {
        ::unlink(target_secret.c_str());
        throw;
    }
    return done;
}

}  // namespace sqlite

}  // namespace coffer::inline COFFER_ABI
