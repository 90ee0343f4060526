// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of sqlite_reencrypt.hpp.

#include <coffer/store/sqlite_reencrypt.hpp>

#include <stdexcept>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI {

namespace sqlite::detail {

COFFER_INLINE reencryption::reencryption(connection& db, std::shared_ptr<crypto::key_ring const> keys)
    : db_{db}, bodies_{std::move(keys)} {}

COFFER_INLINE bool reencryption::batch(int size, reencrypted& count) {
    begin_.run();
    try {
        auto const seen = rewrite(size, count);
        commit_.run();
        return seen == size;
    } catch (...) {
        db_.roll_back();
        throw;
    }
}

COFFER_INLINE int reencryption::rewrite(int size, reencrypted& count) {
    int seen = 0;
    std::vector<changed> all;  // written when the reading has ended
    {
        auto const r = next_.with(record_, number_, size);
        for (; r.next(); ++seen) {
            record_ = r.integer();
            number_ = r.integer();
            auto const id = r.integer();
            std::string const digest{r.bytes()};
            auto const form = r.integer();
            auto const bytes = r.bytes();
            body_place const where{digest, static_cast<int>(number_)};
            if (bodies_.is_current(form, bytes)) ++count.current;
            else all.push_back({id, bodies_.seal(bodies_.read(form, bytes, where), where).value()});
        }
    }
    for (auto const& c : all) update_.run(static_cast<std::int64_t>(body_form::sealed), as_blob(c.bytes), c.id);
    count.rewritten += all.size();
    return seen;
}

}  // namespace sqlite::detail

namespace sqlite {

COFFER_INLINE reencrypted reencrypt(std::filesystem::path const& file,
                                    std::shared_ptr<crypto::key_ring const> const& keys, reencrypt_options o) {
    if (!keys) throw std::invalid_argument{"coffer::sqlite::reencrypt: it needs keys"};
    if (o.batch < 1) throw std::invalid_argument{"coffer::sqlite::reencrypt: a batch has one body at least"};
    auto const path = detail::existing_file(file);
    auto const db = detail::open_beside(path, detail::access::write, o.busy_timeout);
    return detail::in_words(path.string(), "cannot re-encrypt ", [&] {
        db->run("PRAGMA secure_delete=ON");
        reencrypted count;
        detail::reencryption work{*db, keys};
        while (work.batch(o.batch, count)) {
        }
        (void)detail::empty_log(*db);  // what others still read of it goes later
        return count;
    });
}

}  // namespace sqlite

}  // namespace coffer::inline COFFER_ABI
