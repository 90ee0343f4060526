// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite.hpp.

#include <coffer/store/sqlite.hpp>

#include <utility>

namespace coffer::inline COFFER_ABI::sqlite {

COFFER_INLINE store::store(std::filesystem::path const& file, options o)
    : store{std::make_shared<detail::backend>(detail::open_files::open(file, o))} {}

COFFER_INLINE sqlite::stats store::stats() const noexcept { return backend_->file().queue().count(); }

COFFER_INLINE store::store(std::shared_ptr<detail::backend> b) : coffer::store{b}, backend_{std::move(b)} {}

}  // namespace coffer::inline COFFER_ABI::sqlite
