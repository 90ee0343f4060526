// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_fork.hpp.

#include <coffer/store/sqlite_fork.hpp>

#include <stdexcept>
#include <system_error>

namespace coffer::inline COFFER_ABI::sqlite::detail {

COFFER_INLINE bool fork_watch::open(file_identity const& file) {
    std::lock_guard const lock{mutex_};
    auto const at = files_.try_emplace(file).first;
    if (at->second.inherited) return false;
    ++at->second.times;
    return true;
}

COFFER_INLINE void fork_watch::close(file_identity const& file) noexcept {
    std::lock_guard const lock{mutex_};
    if (auto const at = files_.find(file); --at->second.times == 0) files_.erase(at);
}

COFFER_INLINE void fork_watch::end(int& descriptor) noexcept {
    std::lock_guard const lock{mutex_};
    descriptors_.erase(&descriptor);
    if (descriptor >= 0) ::close(descriptor);
}

COFFER_INLINE fork_watch::fork_watch() {
    auto const failed = ::pthread_atfork([] { here().mutex_.lock(); }, [] { here().mutex_.unlock(); },
                                         [] {
                                             here().begin_anew();
                                             here().mutex_.unlock();
                                         });
    if (failed != 0) throw std::system_error{failed, std::generic_category(), "coffer::sqlite: pthread_atfork"};
}

COFFER_INLINE void fork_watch::begin_anew() noexcept {
    ++forks_;
    for (auto& file : files_) file.second.inherited = true;
    for (auto* const d : descriptors_) {
        if (*d >= 0) ::close(*d);
        *d = -1;
    }
}

COFFER_INLINE file_use::file_use(file_identity const& file, std::string const& path) : file_{file} {
    if (!fork_watch::here().open(file)) refuse(path);
}

COFFER_INLINE file_use::~file_use() {
    if (!is_inherited()) fork_watch::here().close(file_);
}

COFFER_INLINE void file_use::refuse(std::string const& path) {
    throw std::runtime_error{"coffer::sqlite: cannot open " + path +
                             ": this process was forked while its parent had the store open, and SQLite's locks do "
                             "not pass over that; " +
                             fork_remedy};
}

}  // namespace coffer::inline COFFER_ABI::sqlite::detail
