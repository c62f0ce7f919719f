#pragma once

#include <projector/descriptor.hpp>
#include <projector/outcomes.hpp>
#include <projector/plugin.h>
#include <projector/projection.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>

namespace projector::detail {

/// Fills in the caller's error. Cuts text between characters of UTF-8.
inline void write_error(projector_error* error, std::uint32_t event_index, std::string_view text) noexcept {
  if (error == nullptr) {
    return;
  }
  error->event_index = event_index;
  if (error->text == nullptr || error->text_size == 0) {
    return;
  }
  std::size_t size = text.size();
  if (size >= error->text_size) {
    size = error->text_size - 1;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) {
      --size;
    }
  }
  if (size > 0) {
    std::memcpy(error->text, text.data(), size);
  }
  error->text[size] = '\0';
}

/// One call from the host into a projection. It turns exceptions into outcomes.
class Call {
public:
  enum class Stage { Setup, Handle, HandleExternal }; ///< Setup: the constructor and reset too

  Call(Stage stage, ProjectionBase* projection, projector_error* error) noexcept
      : stage_(stage), projection_(projection), error_(error) {
    if (projection_ != nullptr) {
      projection_->event_at_hand_ = PROJECTOR_NO_EVENT;
    }
  }

  /// `transaction` may be null.
  template <class Function>
  projector_status run(const Transaction* transaction, Function&& function) noexcept {
    projector_status status = PROJECTOR_OK;
    try {
      function();
    } catch (...) {
      // After a failed statement the host's error is already written, and no later error may replace it.
      if (transaction == nullptr || transaction->status() == PROJECTOR_OK) {
        status = outcome_of_exception();
      }
    }
    return transaction != nullptr && transaction->status() != PROJECTOR_OK ? transaction->status() : status;
  }

private:
  projector_status outcome_of_exception() const noexcept {
    const std::uint32_t at_hand = projection_ == nullptr ? PROJECTOR_NO_EVENT : projection_->event_at_hand_;
    const std::uint32_t done_before = stage_ == Stage::HandleExternal ? at_hand : PROJECTOR_NO_EVENT;
    try {
      throw;
    } catch (const Retry& retry) {
      return end(PROJECTOR_RETRY, retry.event_index() == PROJECTOR_NO_EVENT ? done_before : retry.event_index(),
                 retry.what());
    } catch (const Reject& reject) {
      return end_rejected(reject.event_index() == PROJECTOR_NO_EVENT ? at_hand : reject.event_index(), reject.what());
    } catch (const Fatal& fatal) {
      return end(PROJECTOR_FATAL, PROJECTOR_NO_EVENT, fatal.what());
    } catch (const std::bad_alloc&) {
      return end(PROJECTOR_RETRY, done_before, "out of memory");
    } catch (const std::exception& exception) {
      return end_rejected(at_hand, exception.what());
    } catch (...) {
      return end_rejected(at_hand, "an exception that is no std::exception");
    }
  }
  projector_status end(projector_status status, std::uint32_t event_index, const char* text) const noexcept {
    write_error(error_, event_index, text);
    return status;
  }
  projector_status end_rejected(std::uint32_t event_index, const char* text) const noexcept {
    return stage_ == Stage::Setup ? end(PROJECTOR_FATAL, PROJECTOR_NO_EVENT, text)
                                  : end(PROJECTOR_REJECT, event_index, text);
  }

  Stage stage_;
  ProjectionBase* projection_;
  projector_error* error_;
};

/// Whether Type, or a class between it and the SDK's, overrides the member that both pointers name. A member that is
/// not accessible is an override: those of the SDK's classes are public.
#define PROJECTOR_DETAIL_OVERRIDES(trait, member)                                                                      \
  template <class Type, class Base, class = void>                                                                      \
  struct trait : std::true_type {};                                                                                    \
  template <class Type, class Base>                                                                                    \
  struct trait<Type, Base, std::enable_if_t<std::is_same<decltype(&Type::member), decltype(&Base::member)>::value>>    \
      : std::false_type {};
PROJECTOR_DETAIL_OVERRIDES(OverridesSetup, setup)
PROJECTOR_DETAIL_OVERRIDES(OverridesReset, reset)
PROJECTOR_DETAIL_OVERRIDES(OverridesFinished, finished)
PROJECTOR_DETAIL_OVERRIDES(OverridesHandle, handle)
PROJECTOR_DETAIL_OVERRIDES(OverridesHandleBatch, handle_batch)
#undef PROJECTOR_DETAIL_OVERRIDES

/// The functions of the C interface for one projection class.
template <class Type>
struct Bridge {
  static constexpr bool kExternal = std::is_base_of<ExternalProjection, Type>::value;
  static_assert(kExternal != std::is_base_of<Projection, Type>::value,
                "a projection derives from projector::Projection or from projector::ExternalProjection, publicly");
  using Base = std::conditional_t<kExternal, ExternalProjection, Projection>;
  static_assert(OverridesHandle<Type, Base>::value || OverridesHandleBatch<Type, Base>::value,
                "override handle or handle_batch");

  static projector_status create(const projector_host* host, const projector_config* config, void** instance,
                                 projector_error* error) noexcept {
    return Call(Call::Stage::Setup, nullptr, error).run(nullptr, [&] {
      const Context context(host, config);
      std::unique_ptr<Base> projection;
      if constexpr (std::is_constructible<Type, const Context&>::value) {
        projection = std::make_unique<Type>(context);
      } else {
        static_assert(std::is_default_constructible<Type>::value,
                      "a projection is constructed without arguments or from a const projector::Context&");
        projection = std::make_unique<Type>();
      }
      static_cast<ProjectionBase&>(*projection).context_ = context;
      *instance = projection.release();
    });
  }

  static void destroy(void* instance) noexcept { delete static_cast<Base*>(instance); }

  static projector_status setup(void* instance, projector_tx* tx, projector_error* error) noexcept {
    return change(instance, tx, error,
                  [](Base& projection, Transaction& transaction) { projection.setup(transaction); });
  }

  static projector_status reset(void* instance, projector_tx* tx, projector_error* error) noexcept {
    return change(instance, tx, error,
                  [](Base& projection, Transaction& transaction) { projection.reset(transaction); });
  }

  static projector_status handle(void* instance, projector_tx* tx, const projector_batch* batch,
                                 projector_error* error) noexcept {
    Base& projection = *static_cast<Base*>(instance);
    if constexpr (kExternal) {
      static_cast<void>(tx);
      return Call(Call::Stage::HandleExternal, &projection, error).run(nullptr, [&] {
        projection.handle_batch(Batch(*batch));
      });
    } else {
      Transaction transaction(host_of(projection), tx, 0, error);
      return Call(Call::Stage::Handle, &projection, error).run(&transaction, [&] {
        projection.handle_batch(transaction, Batch(*batch));
      });
    }
  }

  static void finished(void* instance, std::int32_t committed) noexcept {
    Base& projection = *static_cast<Base*>(instance);
    try {
      projection.finished(committed == 1);
    } catch (const std::exception& exception) {
      static_cast<ProjectionBase&>(projection).context_->log(LogLevel::Error, exception.what());
    } catch (...) {
      static_cast<ProjectionBase&>(projection).context_->log(LogLevel::Error, "finished threw no std::exception");
    }
  }

  static constexpr projector_plugin plugin(const Descriptor& descriptor, const SettingPointers& settings) noexcept {
    return projector_plugin{sizeof(projector_plugin),
                            PROJECTOR_ABI_MINOR,
                            descriptor.min_host_minor,
                            (kExternal ? PROJECTOR_PLUGIN_EXTERNAL : 0u) |
                                (descriptor.tables_by_projection ? PROJECTOR_PLUGIN_TABLES_BY_PROJECTION : 0u),
                            descriptor.read_model_version,
                            0,
                            descriptor.name,
                            descriptor.version,
                            descriptor.description,
                            descriptor.event_types.data(),
                            descriptor.aggregate_types.data(),
                            descriptor.bounded_contexts.data(),
                            descriptor.settings.size() == 0 ? nullptr : settings.data(),
                            create,
                            destroy,
                            OverridesSetup<Type, Base>::value ? setup : nullptr,
                            handle,
                            OverridesFinished<Type, Base>::value ? finished : nullptr,
                            OverridesReset<Type, Base>::value ? reset : nullptr,
                            nullptr};
  }

private:
  static const projector_host* host_of(Base& projection) noexcept {
    return static_cast<ProjectionBase&>(projection).context_->host();
  }

  template <class Function>
  static projector_status change(void* instance, projector_tx* tx, projector_error* error, Function function) noexcept {
    Base& projection = *static_cast<Base*>(instance);
    Transaction transaction(host_of(projection), tx, PROJECTOR_SQL_ONCE, error);
    return Call(Call::Stage::Setup, &projection, error).run(&transaction, [&] { function(projection, transaction); });
  }
};

} // namespace projector::detail

/// Makes Type the plugin of this library. Use it once, outside every namespace.
#define PROJECTOR_EXPORT_PROJECTION(Type)                                                                              \
  namespace {                                                                                                          \
  constexpr ::projector::Descriptor kProjectorDescriptor = Type::kDescriptor;                                          \
  constexpr auto kProjectorSettings = ::projector::detail::setting_specs(kProjectorDescriptor.settings);               \
  constexpr auto kProjectorSettingPointers =                                                                           \
      ::projector::detail::setting_pointers(kProjectorSettings, kProjectorDescriptor.settings.size());                 \
  }                                                                                                                    \
  constexpr projector_plugin projector_plugin_v1 =                                                                     \
      ::projector::detail::Bridge<Type>::plugin(kProjectorDescriptor, kProjectorSettingPointers);                      \
  static_assert(::projector::detail::is_plugin_name(kProjectorDescriptor.name),                                        \
                "a plugin's name is [a-z][a-z0-9_]{0,47}")
