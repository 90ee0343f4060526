// SPDX-License-Identifier: BSL-1.0
#pragma once
// Gates and layers that do what a script says and write down everything that happens to them.

#include <coffer/call/gate.hpp>
#include <coffer/call/layer.hpp>
#include <coffer/time/sleep.hpp>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// GCC takes a coroutine's frame for one of an anonymous namespace if a type in it is.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

namespace support {

/// What happened, in order, and how many tickets are out.
class tape {
public:
    void line(std::string text) const { state_->lines.push_back(std::move(text)); }
    [[nodiscard]] std::vector<std::string> const& lines() const { return state_->lines; }
    [[nodiscard]] int tickets_out() const { return state_->tickets; }
    /// Tickets that were destroyed although nobody had told them the last end, and the like.
    [[nodiscard]] int defects() const { return state_->defects; }
    void clear() const { *state_ = {}; }

private:
    friend class scripted_ticket;
    struct state {
        std::vector<std::string> lines;
        int tickets = 0;
        int defects = 0;
    };
    std::shared_ptr<state> state_ = std::make_shared<state>();
};

inline std::string text(coffer::attempt_end const& end) {
    using kind = coffer::attempt_end::kind;
    if (end.what == kind::succeeded) return "succeeded";
    return std::string{end.what == kind::failed ? "failed " : "not_attempted "} +
           std::string{to_string(end.why->kind())};
}

/// What a gate does with one attempt that enters.
struct entry {
    enum class kind : std::uint8_t {
        in,
        refuse,       ///< with `why`
        wait,         ///< then in
        wait_refuse,  ///< then `why`
        wait_grant,   ///< then in, even if the wait was cancelled: the grant raced the leaving
        fall_over,    ///< throws
    };
    kind what = kind::in;
    coffer::duration wait{};
    coffer::fault_kind why = coffer::fault_kind::queue_full;
};

struct gate_script {
    std::vector<entry> entries;           ///< one for each time it is entered; then `in`
    std::vector<coffer::duration> again;  ///< so often it asks for another attempt, after these delays
    bool insists = false;                 ///< it asks whatever the end was, and not only after failures
};

class scripted_ticket {
public:
    scripted_ticket(tape t, std::string name, std::shared_ptr<gate_script const> script)
        : tape_{std::move(t)}, name_{std::move(name)}, script_{std::move(script)} {
        ++tape_.state_->tickets;
    }
    scripted_ticket(scripted_ticket const&) = delete;
    scripted_ticket& operator=(scripted_ticket const&) = delete;
    ~scripted_ticket() {
        --tape_.state_->tickets;
        if (settled_ == 0) tape_.line(name_ + " abandoned");
        else if (owed_) ++tape_.state_->defects;
    }

    coffer::verdict settle(coffer::attempt_end const& end, coffer::attempt&) noexcept {
        ++settled_;
        bool const failed = end.what == coffer::attempt_end::kind::failed;
        bool const asks = asked_ < script_->again.size() && (failed || script_->insists);
        tape_.line(name_ + " " + text(end) + (asks ? ", again" : ""));
        owed_ = asks && failed;
        return asks ? coffer::verdict::again(script_->again[asked_++]) : coffer::verdict::done();
    }

private:
    tape tape_;
    std::string name_;
    std::shared_ptr<gate_script const> script_;
    std::size_t asked_ = 0;
    int settled_ = 0;
    bool owed_ = false;  // it asked, and has heard nothing since
};

/// A gate that never asks to wait: its script must not say so.
class plain_gate {
public:
    using ticket = scripted_ticket;

    plain_gate(tape t, std::string name, gate_script script = {})
        : state_{std::make_shared<state>(std::move(t), std::move(name), std::move(script))} {}

    coffer::admission try_enter(coffer::attempt&, coffer::slot<ticket>& s) const {
        auto const e = state_->next_entry();
        switch (e.what) {
            case entry::kind::in: state_->grant(s); return coffer::admission::in();
            case entry::kind::fall_over:
                state_->tape_.line(state_->name + " throws");
                throw std::runtime_error{"the gate fell over"};
            case entry::kind::refuse:
                state_->tape_.line(state_->name + " refuses");
                return coffer::admission::refused(coffer::fault{e.why});
            default: state_->tape_.line(state_->name + " waits"); return coffer::admission::wait();
        }
    }

protected:
    struct state {
        state(tape t, std::string n, gate_script s)
            : tape_{std::move(t)}, name{std::move(n)}, script{std::make_shared<gate_script const>(std::move(s))} {}
        tape tape_;
        std::string name;
        std::shared_ptr<gate_script const> script;
        std::size_t entered = 0;

        entry next_entry() {
            auto const i = entered++;
            return i < script->entries.size() ? script->entries[i] : entry{};
        }
        void grant(coffer::slot<ticket>& s) {
            tape_.line(name + " in");
            s.emplace(tape_, name, script);
        }
    };
    std::shared_ptr<state> state_;
};

/// The same, and it may ask to wait.
class waiting_gate : public plain_gate {
public:
    using plain_gate::plain_gate;

    coffer::awaitable<coffer::outcome<void>> enter(coffer::attempt& a, coffer::slot<ticket>& s) const {
        auto const e = state_->script->entries[state_->entered - 1];
        auto const woke = co_await coffer::wait_until(a.of().service(), a.clock().now() + e.wait);
        if (woke == coffer::wake::cancelled && e.what != entry::kind::wait_grant) {
            state_->tape_.line(state_->name + " refuses");
            co_return coffer::failed(coffer::fault_kind::cancelled);
        }
        if (e.what == entry::kind::wait_refuse) {
            state_->tape_.line(state_->name + " refuses");
            co_return coffer::failed(e.why);
        }
        state_->grant(s);
        co_return coffer::outcome<void>{};
    }
};

/// Runs what is inside it up to `runs` times, until it succeeds or was cancelled; not at all, it fails itself.
class scripted_layer {
public:
    explicit scripted_layer(int runs) : runs_{runs} {}

    template <class Next>
    coffer::awaitable<coffer::outcome<typename Next::value_type>> operator()(coffer::call& c, Next next) const {
        for (int i = 1; i <= runs_; ++i) {
            auto result = co_await next(c);
            if (result || result.error().kind() == coffer::fault_kind::cancelled || i == runs_) co_return result;
        }
        co_return coffer::failed(coffer::fault_kind::permanent, "the layer runs nothing");
    }

private:
    int runs_;
};

}  // namespace support

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
