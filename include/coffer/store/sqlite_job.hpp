// SPDX-License-Identifier: BSL-1.0
#pragma once
// One submitted operation, on its way to the store's thread and back.

#include <coffer/base/fault.hpp>
#include <coffer/store/probe.hpp>
#include <coffer/time/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace coffer::inline COFFER_ABI::sqlite::detail {

/// What may become of a job that the file refuses.
enum class urgency : std::uint8_t {
    read,    ///< changes nothing; done without the write lock if that cannot be had
    before,  ///< nothing was sent yet: fails at once
    after,   ///< a send was permitted: kept, and tried again
};

/// One submitted operation.
class job {
public:
    /// `record` is the digest of the record it is about, `size` that of the answer it carries.
    job(urgency u, std::optional<store_step> step, std::string record, outside_work held, std::size_t size = 0);
    job(job const&) = delete;
    job& operator=(job const&) = delete;
    virtual ~job() = default;

    /// Carries it out within a transaction, and keeps what came of it. May be called again after a rollback.
    virtual void carry_out() = 0;
    /// Tells what came of it.
    virtual void tell() noexcept = 0;
    virtual void refuse(fault why) noexcept = 0;
    /// The file would not take it, now or perhaps ever: what must survive the process is written down elsewhere. True if
    /// it stands there, and the job has let go of it until it is carried out.
    virtual bool spool() noexcept { return false; }

private:
    friend class writer;
    friend class kept_jobs;
    urgency urgency_;
    std::optional<store_step> step_;
    std::string record_;
    std::optional<outside_work> held_;
    std::size_t in_memory_;  // bytes of its answer, while it waits
    std::size_t on_disk_ = 0;  // bytes that it will bring back into memory when it is carried out
};

}  // namespace coffer::inline COFFER_ABI::sqlite::detail

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/sqlite_job.ipp>
#endif
