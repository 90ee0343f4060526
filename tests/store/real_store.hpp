// SPDX-License-Identifier: BSL-1.0
#pragma once
// A store in a file under the real clock, with records in all sorts of states: for what looks at the file from outside.

#include "store/sqlite_world.hpp"

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace store_test {

class real_store {
public:
    explicit real_store(coffer::sqlite::options o = quiet()) : options_{o} { open(); }

    static coffer::sqlite::options quiet() {
        coffer::sqlite::options o;
        o.sweep_every = 0ms;
        return o;
    }
    void open() {
        db_ = std::make_unique<coffer::sqlite::store>(file(), options_);
        backend().bind(time.clock());
    }
    void close() { db_.reset(); }

    [[nodiscard]] coffer::store_backend& backend() const { return *db_->backend(); }
    [[nodiscard]] std::filesystem::path file() const { return dir / "coffer.db"; }
    [[nodiscard]] coffer::record_id id(std::string const& name, std::string const& ns = "report") const {
        return backend().id_of(coffer::key{ns, name});
    }
    [[nodiscard]] coffer::claim_ref ref(std::string const& name, std::string const& ns = "report") const {
        return {id(name, ns), claim_number(1)};
    }

    void claim(std::string const& name, std::string const& ns = "report", int max_sends = 1, bool cached = false,
               coffer::duration kept = coffer::defaults::unacknowledged_kept) {
        coffer::claim_request q;
        q.id = claim_number(1);
        q.max_sends = max_sends;
        q.cached = cached;
        q.unacknowledged_kept = kept;
        if (!is<coffer::granted>(time.get(backend().claim(id(name, ns), q)))) throw std::logic_error{"not granted"};
    }
    void send(std::string const& name, std::string const& ns = "report", int max_sends = 1, bool cached = false,
              coffer::duration kept = coffer::defaults::unacknowledged_kept) {
        claim(name, ns, max_sends, cached, kept);
        coffer::permit_request p;
        p.max_sends = max_sends;
        p.longest = 5min;
        p.provider = "openai";
        p.model = "gpt-x";
        must(time.get(backend().permit(ref(name, ns), p, {})));
    }
    void answered(std::string const& name, coffer::answer what, std::string const& ns = "report", bool cached = false,
                  coffer::duration kept = coffer::defaults::unacknowledged_kept) {
        send(name, ns, 1, cached, kept);
        must(time.get(
            backend().submit_answer(ref(name, ns), 1, std::make_shared<coffer::answer const>(std::move(what)))));
    }
    void done(std::string const& name, std::string body = "paid", std::string const& ns = "report", bool cached = false,
              coffer::duration kept = coffer::defaults::unacknowledged_kept) {
        coffer::answer a{std::move(body), 200};
        a.request_id = "req-1";
        a.cost = coffer::money::from_nano(150'000);
        answered(name, std::move(a), ns, cached, kept);
        must(time.get(backend().submit_accept(ref(name, ns), 1)));
    }
    void acked(std::string const& name, std::string const& ns = "report") {
        done(name, "paid", ns);
        must(time.get(backend().acknowledge(id(name, ns))));
    }
    void unresolved(std::string const& name, std::string const& ns = "report") {
        send(name, ns);
        coffer::fault const why{coffer::fault_kind::timed_out, "the connection went silent"};
        must(time.get(backend().submit_lost(ref(name, ns), 1, why)));
        must(time.get(backend().submit_release(ref(name, ns))));
    }

    temporary_directory dir;
    real_time time;

private:
    template <class T>
    static void must(coffer::outcome<T> const& o) {
        if (!o) throw std::logic_error{std::string{o.error().message()}};
    }
    coffer::sqlite::options options_;
    std::unique_ptr<coffer::sqlite::store> db_;
};

/// What `fn` complains of; empty if it does not.
template <class Fn>
[[nodiscard]] std::string complaint_of(Fn&& fn) {
    try {
        fn();
    } catch (std::runtime_error const& e) {
        return e.what();
    }
    return {};
}
/// What opening the store complains of; empty if it does not.
[[nodiscard]] inline std::string complaint(std::filesystem::path const& file, coffer::sqlite::options const& o = {}) {
    return complaint_of([&] { coffer::sqlite::store const db{file, o}; });
}
[[nodiscard]] inline bool mentions(std::string const& text, std::string const& what) {
    return text.find(what) != std::string::npos;
}

}  // namespace store_test
