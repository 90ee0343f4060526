// SPDX-License-Identifier: BSL-1.0
#pragma once
// The ledger concept on a store's file: its rows stand beside the records, and change with them in one transaction.

#include <coffer/store/ledger.hpp>
#include <coffer/store/sqlite_file.hpp>
#include <coffer/store/sqlite_file_job.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// Brings money back, perhaps: who waits for it is told once it is durable.
template <class T, class Fn>
class refunding_job final : public job_of<T, Fn> {
public:
    using job_of<T, Fn>::job_of;
    void tell() noexcept override {
        auto& queue = this->file_.money_queue();
        job_of<T, Fn>::tell();
        try {
            queue.changed();
        } catch (...) {  // no memory: they look again by themselves before long
        }
    }
};

class ledger_on_file final : public ledger_backend {
public:
    explicit ledger_on_file(std::shared_ptr<opened_file> file) : file_{std::move(file)} {}

    void bind(std::shared_ptr<clock> const& c) override { (void)file_->bind(c); }

    [[nodiscard]] std::string work_of(fingerprint const& print) const override { return file_->names().work_of(print); }
    [[nodiscard]] std::string record_of(key const& k) const override { return file_->names().id_of(k).digest; }

    COFFER_INLINE result<reserve_verdict> reserve(reserve_request const& q) override;
    COFFER_INLINE result<void> submit_settle(reservation_id const& id, std::optional<money> actual,
                                             std::string const& request_id) override;
    COFFER_INLINE result<void> submit_release(reservation_id const& id) override;
    COFFER_INLINE result<void> submit_lapse(reservation_id const& id) override;
    COFFER_INLINE result<std::size_t> freeze(std::string const& scope, std::string const& reason) override;
    COFFER_INLINE result<bool> thaw(std::string const& scope) override;
    COFFER_INLINE result<void> set_limit(std::string const& scope, window const& over,
                                         std::optional<money> limit) override;
    COFFER_INLINE result<std::size_t> correct(std::vector<correction> const& what) override;
    COFFER_INLINE result<std::vector<account_status>> accounts(std::string const& scope) override;
    COFFER_INLINE result<std::vector<ledger_entry>> entries(entry_filter const& filter) override;
    COFFER_INLINE result<std::vector<std::string>> audit() override;
    COFFER_INLINE result<std::size_t> look_for_alarms(alarm_watch const& watch) override;
    COFFER_INLINE result<std::vector<kept_alarm>> take_alarms(std::size_t most, duration lease) override;
    COFFER_INLINE result<void> alarm_delivered(std::string const& id) override;
    COFFER_INLINE result<void> alarm_failed(std::string const& id, std::string const& trouble, duration pause) override;
    COFFER_INLINE result<std::vector<kept_alarm>> alarms(alarm_filter const& filter) override;
    [[nodiscard]] bool is_shared() const noexcept override { return true; }
    [[nodiscard]] budget_queue& queue() noexcept override { return file_->money_queue(); }
    [[nodiscard]] void const* identity() const noexcept override { return file_.get(); }

private:
    /// A reservation's jobs stay in order, and wait for no other's.
    [[nodiscard]] static std::string name_of(reservation_id const& id);

    template <class Fn>
    result<void> ending(reservation_id const& id, Fn fn) {
        auto work = [fn = std::move(fn)](opened_file& f, clock& c) -> outcome<void> {
            fn(f, f.money_moment(c));
            return {};
        };
        return submit_to<refunding_job, void>(*file_, urgency::after, store_step::settle, name_of(id), std::move(work));
    }
    template <class T, class Fn>
    result<T> change(Fn fn) {
        auto work = [fn = std::move(fn)](opened_file& f, clock& c) -> outcome<T> { return fn(f, f.money_moment(c)); };
        return submit_to<refunding_job, T>(*file_, urgency::before, std::nullopt, {}, std::move(work));
    }
    template <class T, class Fn>
    result<T> write(Fn fn) {
        auto work = [fn = std::move(fn)](opened_file& f, clock& c) -> outcome<T> { return fn(f, f.money_moment(c)); };
        return submit_to<job_of, T>(*file_, urgency::before, std::nullopt, {}, std::move(work));
    }
    template <class T, class Fn>
    result<T> look(Fn fn) {
        auto work = [fn = std::move(fn)](opened_file& f, clock& c) -> outcome<T> { return fn(f, f.money_moment(c)); };
        return submit_to<job_of, T>(*file_, urgency::read, std::nullopt, {}, std::move(work));
    }

    std::shared_ptr<opened_file> file_;
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_ledger_backend.ipp>
#endif
