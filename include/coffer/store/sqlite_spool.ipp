// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_spool.hpp.

#include <coffer/store/sqlite_spool.hpp>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE std::optional<std::string> read_spooled(std::filesystem::path const& path) {
    auto const fail = [&] { throw std::system_error{errno, std::generic_category(), "cannot read " + path.string()}; };
    descriptor const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    if (!file && errno == ENOENT) return std::nullopt;
    struct stat s{};
    if (!file || ::fstat(file.get(), &s) != 0) fail();
    std::string bytes(static_cast<std::size_t>(s.st_size), '\0');
    for (std::size_t size = 0; size < bytes.size();) {
        auto const got = ::read(file.get(), bytes.data() + size, bytes.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail();
        if (got == 0) bytes.resize(size);
        size += static_cast<std::size_t>(got);
    }
    return bytes;
}

COFFER_INLINE spool::spool(std::filesystem::path directory, process_owner const& owner, std::size_t most_bytes,
                           std::shared_ptr<crypto::key_ring const> keys)
    : directory_{std::move(directory)}, owner_{owner}, most_{most_bytes}, bodies_{std::move(keys)} {}

COFFER_INLINE std::filesystem::path spool::keep(spooled_answer const& a) noexcept {
    try {
        auto const bytes = encode(a, bodies_);
        auto path = directory_ / spool_name(owner_.name(), a);
        if (!reserve(path, bytes.size())) return {};
        if (write(path, bytes)) return path;
        give_back(path);
    } catch (...) {  // it stays in memory
    }
    return {};
}

COFFER_INLINE void spool::drop(std::filesystem::path const& file) noexcept {
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
    give_back(file);
}

COFFER_INLINE void spool::set_aside(std::filesystem::path const& file) const noexcept {
    std::error_code ignored;
    try {
        auto aside = file;
        std::filesystem::rename(file, aside += ".refused", ignored);
    } catch (...) {  // no memory: it stays
    }
}

COFFER_INLINE std::vector<spool_file> spool::left_by_the_dead() const {
    std::vector<spool_file> left;
    std::map<std::string, bool> dead;
    for_each_spooled(directory_, [&](std::filesystem::path const& path) {
        auto f = spool_file_at(path);
        if (!f) return;
        auto const [known, is_new] = dead.try_emplace(f->owner);
        if (is_new) known->second = owner_.is_dead(f->owner);
        if (known->second) left.push_back(*std::move(f));
    });
    return left;
}

COFFER_INLINE std::vector<spool_file> spool::of(std::string_view digest) const {
    std::vector<spool_file> found;
    for_each_spooled(directory_, [&](std::filesystem::path const& path) {
        auto f = spool_file_at(path);
        if (f && f->digest == digest && (!f->is_draft || owner_.is_dead(f->owner))) found.push_back(*std::move(f));
    });
    return found;
}

COFFER_INLINE std::optional<spooled_answer> spool::read(spool_file const& f) const {
    auto const bytes = read_spooled(f.path);
    if (!bytes) return std::nullopt;
    auto a = decode_spooled(*bytes, bodies_);
    std::error_code ignored;
    if (!a && f.is_draft) std::filesystem::remove(f.path, ignored);
    else if (!a && (f.owner == owner_.name() || owner_.is_dead(f.owner))) set_aside(f.path);
    return a;
}

COFFER_INLINE shared_answer spool::read_back(std::filesystem::path const& file) const {
    auto const bytes = read_spooled(file);
    auto const a = bytes ? decode_spooled(*bytes, bodies_) : std::nullopt;
    return a ? a->what : nullptr;
}

COFFER_INLINE bool spool::reserve(std::filesystem::path const& path, std::size_t size) {
    std::lock_guard const lock{mutex_};
    if (size > most_ - std::min(used_, most_)) return false;
    auto& mine = mine_[path.string()];
    used_ += size - std::exchange(mine, size);
    return true;
}

COFFER_INLINE void spool::give_back(std::filesystem::path const& path) noexcept {
    std::lock_guard const lock{mutex_};
    auto const at = mine_.find(path.native());
    if (at == mine_.end()) return;
    used_ -= at->second;
    mine_.erase(at);
}

COFFER_INLINE bool spool::write(std::filesystem::path const& path, std::string_view bytes) const {
    if (::mkdir(directory_.c_str(), 0700) == 0) sync_directory(directory_.parent_path());
    auto draft = path;
    draft += draft_suffix;
    descriptor const file{::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!file) return false;
    while (!bytes.empty()) {
        auto const written = ::write(file.get(), bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) break;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    std::error_code code;
    bool const whole = bytes.empty() && ::fsync(file.get()) == 0;
    if (whole) std::filesystem::rename(draft, path, code);
    if (!whole || code) {
        std::filesystem::remove(draft, code);
        return false;
    }
    sync_directory(directory_);
    return true;
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
