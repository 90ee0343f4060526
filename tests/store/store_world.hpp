// SPDX-License-Identifier: BSL-1.0
#pragma once
// A store as several processes see it, in virtual time: what the conformance suite is run in.

#include <coffer/store/store.hpp>

#include "support/simulation.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

namespace store_test {

using namespace std::chrono_literals;

[[nodiscard]] inline coffer::claim_id claim_number(int n) {
    coffer::claim_id id{};
    id[0] = static_cast<std::uint8_t>(n);
    id[1] = static_cast<std::uint8_t>(n >> 8);
    id[15] = 1;
    return id;
}
[[nodiscard]] inline coffer::shared_answer answer_of(std::string body) {
    return std::make_shared<coffer::answer const>(std::move(body), 200);
}
template <class T>
[[nodiscard]] bool is(coffer::outcome<coffer::claim_verdict> const& v) {
    return v.has_value() && std::holds_alternative<T>(*v);
}
/// The code of a refusal, or its kind where it has no code; empty if there is none.
template <class T>
[[nodiscard]] std::string refusal(coffer::outcome<T> const& o) {
    if (o) return {};
    return std::string{o.error().code().empty() ? to_string(o.error().kind()) : o.error().code()};
}

class world {
public:
    virtual ~world() = default;

    /// The store as process `i` sees it, opened at first sight.
    virtual coffer::store& process(int i) = 0;
    /// The process ends without giving anything back, and others can tell.
    virtual void kill(int i) = 0;
    /// Another handle of the store in process 0.
    virtual coffer::store second_handle() = 0;

    support::simulation sim;

    void pass(coffer::duration d) { sim.time.run_for(d); }

    coffer::store_backend& backend(int i = 0) {
        auto& b = *process(i).backend();
        b.bind(sim.time.clock());
        return b;
    }
    coffer::record_id id(std::string const& name = "one") { return backend().id_of(coffer::key{"report", name}); }
    coffer::claim_ref ref(int n, std::string const& name = "one") { return {id(name), claim_number(n)}; }

    /// What the operation ended with; virtual time does not pass meanwhile.
    template <class T>
    T get(coffer::completion<T> const& done) {
        if (done.get() == nullptr) sim.run(wait(done));
        if (done.get() == nullptr) throw std::logic_error{"the store has not answered"};
        return *done.get();
    }

    // The operations, by claim number `n`, of process `p`.
    struct how {
        int max_sends = 2;
        std::string model = "m";
        std::string name = "one";
        coffer::duration lease = 60s;
    };
    auto claim(int n, int p = 0) { return claim(n, p, how{}); }
    coffer::outcome<coffer::claim_verdict> claim(int n, int p, how const& h) {
        coffer::claim_request q;
        q.id = claim_number(n);
        q.print.with("model", h.model).with("prompt", "secret prompt");
        q.max_sends = h.max_sends;
        q.lease = h.lease;
        return get(backend(p).claim(id(h.name), q));
    }
    coffer::outcome<coffer::permitted> permit(int n, int expected, int p = 0, int max_sends = 2,
                                              std::string const& name = "one") {
        coffer::permit_request q;
        q.expected_sends = expected;
        q.max_sends = max_sends;
        q.longest = 5min;
        q.provider = "openai";
        q.model = "gpt-x";
        return get(backend(p).permit(ref(n, name), q, {}));
    }
    auto answer(int n, int send, std::string body, int p = 0) {
        return get(backend(p).submit_answer(ref(n), send, answer_of(std::move(body))));
    }
    auto accept(int n, int send, int p = 0) { return get(backend(p).submit_accept(ref(n), send)); }
    auto reject(int n, int send, int p = 0) {
        return get(
            backend(p).submit_reject(ref(n), send, coffer::fault{coffer::fault_kind::defective_answer, "cut off"}));
    }
    auto lost(int n, int send, int p = 0) {
        return get(backend(p).submit_lost(ref(n), send, coffer::fault{coffer::fault_kind::timed_out}));
    }
    auto unsend(int n, int send, int p = 0) { return get(backend(p).submit_unsend(ref(n), send)); }
    auto fail(int n, coffer::fault const& why, int p = 0) { return get(backend(p).submit_fail(ref(n), why, 10min)); }
    auto release(int n, int p = 0) { return get(backend(p).submit_release(ref(n))); }
    auto heartbeat(int n, int p = 0) { return get(backend(p).heartbeat(ref(n), 60s)); }
    auto acknowledge(int p = 0) { return get(backend(p).acknowledge(id())); }
    auto resolve(coffer::resolution const& r, int p = 0) { return get(backend(p).resolve(id(), r)); }
    std::shared_ptr<coffer::record const> peek(int p = 0, std::string const& name = "one") {
        return get(backend(p).peek(id(name))).value();
    }
    auto list(coffer::record_filter const& f = {}, int p = 0) { return get(backend(p).list(f)).value(); }

    /// Claimed by `n` and sent once.
    void send(int n, int p = 0, int max_sends = 2) {
        how h;
        h.max_sends = max_sends;
        auto const v = claim(n, p, h);
        (void)permit(n, std::get<coffer::granted>(v.value()).sends, p, max_sends).value();
    }
    /// The whole way.
    void finish(int n, std::string const& body, int p = 0) {
        send(n, p);
        (void)answer(n, 1, body, p);
        (void)accept(n, 1, p);
    }

private:
    template <class T>
    coffer::awaitable<void> wait(coffer::completion<T> done) {
        co_await done.wait(sim.service(), coffer::time_point::max());
    }
};

using world_maker = std::unique_ptr<world> (*)();

}  // namespace store_test
