(module
  (memory (export "memory") 4)

  ;; 1024: the reply of load_model, whose id is overwritten with the model's first 64 bytes.
  (data (i32.const 1024) "\82\a6handle\01\a8model_id\d9\40")
  ;; 2048: what it answers to a model that starts with `x`.
  (data (i32.const 2048) "\81\a5error\83\a4code\b2model_root_invalid\a7message\a3bad\a5field\a4root")
  ;; 3072: an error in a response.
  (data (i32.const 3072) "\82\aarequest_id\a2r1\a5error\83\a4code\b1unknown_placement\a7message\a3bad\a5field\b2placements[0].kind")
  ;; 4096: a byte that no MessagePack value starts with.
  (data (i32.const 4096) "\c1")

  (global $counted (mut i32) (i32.const 0))

  (func $pack (param $pointer i32) (param $length i32) (result i64)
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $pointer)) (i64.const 32))
      (i64.extend_i32_u (local.get $length))))

  (func $recurse (param i32) (result i32)
    (i32.add (call $recurse (i32.add (local.get 0) (i32.const 1))) (local.get 0)))

  ;; Makes the memory reach to an address.
  (func $reach (param $end i32)
    (local $pages i32)
    (local.set $pages (i32.shr_u (i32.add (local.get $end) (i32.const 65535)) (i32.const 16)))
    (if (i32.gt_u (local.get $pages) (memory.size))
      (then
        (if (i32.eq (memory.grow (i32.sub (local.get $pages) (memory.size))) (i32.const -1))
          (then unreachable)))))

  (func (export "abi_version") (result i32) (i32.const 2))

  ;; One input at a time, always at 65536.
  (func (export "alloc") (param $length i32) (result i32)
    (call $reach (i32.add (i32.const 65536) (local.get $length)))
    (i32.const 65536))

  (func (export "free") (param i32 i32))

  (func (export "load_model") (param $pointer i32) (param $length i32) (result i64)
    (if (i32.eq (i32.load8_u (local.get $pointer)) (i32.const 120))
      (then (return (call $pack (i32.const 2048) (i32.const 55)))))
    (memory.copy (i32.const 1044) (local.get $pointer) (i32.const 64))
    (call $pack (i32.const 1024) (i32.const 84)))

  ;; The copy goes behind the input, so that the host may free both.
  (func $echo (param $pointer i32) (param $length i32) (result i64)
    (local $copy i32)
    (local.set $copy (i32.add (local.get $pointer) (local.get $length)))
    (call $reach (i32.add (local.get $copy) (local.get $length)))
    (memory.copy (local.get $copy) (local.get $pointer) (local.get $length))
    (call $pack (local.get $copy) (local.get $length)))

  (func (export "recommend") (param $handle i32) (param $policy i32) (param $pointer i32) (param $length i32) (result i64)
    (local $code i32)
    (local $turns i32)
    (local.set $code (i32.load8_u (local.get $pointer)))
    (if (i32.ne (local.get $handle) (i32.const 1)) (then unreachable))
    (if (i32.eq (local.get $code) (i32.const 0)) (then unreachable))
    (if (i32.eq (local.get $code) (i32.const 1)) (then (loop $forever (br $forever))))
    (if (i32.eq (local.get $code) (i32.const 2))
      (then
        (loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
        unreachable))
    (if (i32.eq (local.get $code) (i32.const 3)) (then (return (call $pack (i32.const 0x7fff0000) (i32.const 64)))))
    (if (i32.eq (local.get $code) (i32.const 4)) (then (return (call $pack (i32.const 16) (i32.const -1)))))
    (if (i32.eq (local.get $code) (i32.const 5)) (then (return (i64.const 0))))
    (if (i32.eq (local.get $code) (i32.const 6))
      (then
        (local.set $turns (i32.const 20000000))
        (loop $again
          (local.set $turns (i32.sub (local.get $turns) (i32.const 1)))
          (br_if $again (local.get $turns)))))
    (if (i32.eq (local.get $code) (i32.const 7)) (then (drop (call $recurse (i32.const 0)))))
    (if (i32.eq (local.get $code) (i32.const 8)) (then (return (call $pack (i32.const 3072) (i32.const 82)))))
    (if (i32.eq (local.get $code) (i32.const 9)) (then (return (call $pack (i32.const 4096) (i32.const 1)))))
    (if (i32.eq (local.get $code) (i32.const 10)) (then (drop (memory.grow (i32.const 65535)))))
    (if (i32.eq (local.get $code) (i32.const 11))
      (then
        (i32.store8 (i32.const 5120) (global.get $counted))
        (global.set $counted (i32.add (global.get $counted) (i32.const 1)))
        (return (call $pack (i32.const 5120) (i32.const 1)))))
    (call $echo (local.get $pointer) (local.get $length)))

  (func (export "load_policy") (param i32 i32) (result i64) (call $pack (i32.const 1024) (i32.const 84)))
  (func (export "profile_apply") (param i32 i32 i32) (result i64) (call $echo (local.get 1) (local.get 2)))
  (func (export "profile_erase") (param i32 i32) (result i64) (call $echo (local.get 0) (local.get 1)))
  (func (export "profile_export") (param i32 i32 i32) (result i64) (call $echo (local.get 1) (local.get 2)))
  (func (export "profile_component") (param i32 i32) (result i64) (call $echo (local.get 0) (local.get 1)))
  (func (export "token_write") (param i32 i32 i32) (result i64) (call $echo (local.get 1) (local.get 2)))
  (func (export "token_apply") (param i32 i32 i32) (result i64) (call $echo (local.get 1) (local.get 2)))
  (func (export "profile_merge") (param i32 i32) (result i64) (call $echo (local.get 0) (local.get 1)))
  (func (export "drop_handle") (param i32) (result i32) (i32.const 1)))
