//! One customer, one id, however the key is written; and no key in any error.

use super::*;
use proptest::prelude::*;

fn hasher() -> IdentityHasher {
    IdentityHasher::new(&[7; 32]).unwrap()
}

fn id(kind: IdentityKind, key: &str) -> Result<String, HostError> {
    hasher().id(kind, key, Some("BR"))
}

#[test]
fn ids_are_those_of_the_definition() {
    // base64url(HMAC-SHA-256(key, "cpf\0" "52998224725")), 18 bytes, by Python's hmac.
    assert_eq!(id(IdentityKind::Cpf, "529.982.247-25").unwrap(), "cp_i1pjpuRxDL_CeDuIcArZtMnH");
    assert_ne!(
        IdentityHasher::new(&[8; 32]).unwrap().id(IdentityKind::Cpf, "52998224725", None).unwrap(),
        id(IdentityKind::Cpf, "52998224725").unwrap()
    );
    assert_eq!(IdentityHasher::new(&[7; 31]).unwrap_err().code(), "invalid_config");
}

#[cfg(feature = "phone")]
#[test]
fn those_behind_one_switchboard_are_not_one_customer() {
    for key in ["+1 212 555 0187 ext. 5", "+1 212 555 0187;ext=6"] {
        assert_eq!(id(IdentityKind::Phone, key).unwrap_err().code(), "identity_key_invalid", "{key}");
    }
}

#[test]
fn one_key_written_in_many_ways_is_one_id() {
    let same = [
        (IdentityKind::Email, vec!["Ana.Souza@Example.COM", " ana.souza@example.com\n"]),
        (IdentityKind::CustomerNumber, vec!["ab-12.34/5", "AB 12345", "ab12345"]),
        (IdentityKind::Cpf, vec!["529.982.247-25", "52998224725", "529 982 247 25"]),
        #[cfg(feature = "phone")]
        (IdentityKind::Phone, vec!["+55 11 98765-4321", "(11) 98765-4321", "011 98765 4321", "+5511987654321"]),
        #[cfg(not(feature = "phone"))]
        (IdentityKind::Phone, vec!["+55 (11) 98765-4321", "+55.11.98765.4321", "+5511987654321"]),
    ];
    for (kind, keys) in same {
        let ids: Vec<String> = keys.iter().map(|key| id(kind, key).unwrap()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{kind:?}: {ids:?}");
        assert!(ids[0].starts_with(kind.prefix()) && ids[0].len() == 27);
    }
}

#[test]
fn two_keys_are_two_ids() {
    let keys = [
        (IdentityKind::Email, "ana+news@example.com"),
        (IdentityKind::Email, "ana@example.com"),
        (IdentityKind::Email, "a.na@example.com"),
        (IdentityKind::CustomerNumber, "12345678909"),
        (IdentityKind::CustomerNumber, "012345678909"),
        (IdentityKind::Cpf, "12345678909"),
    ];
    let ids: std::collections::BTreeSet<String> = keys.iter().map(|(kind, key)| id(*kind, key).unwrap()).collect();
    assert_eq!(ids.len(), keys.len());
}

#[test]
fn wrong_keys_are_refused_and_never_repeated() {
    let wrong = [
        (
            IdentityKind::Email,
            vec![
                "ana.example.com",
                "ana@example",
                "@example.com",
                "a b@example.com",
                "ana@ex_ample.com",
                "aña@example.com",
                "ana@-x.com",
                "a..b@x.org",
                ".a@x.org",
            ],
        ),
        (IdentityKind::Phone, vec!["+1", "+55 11 9876x", "not a phone", "+999999999999999999", ""]),
        (IdentityKind::CustomerNumber, vec!["", "---", "número7", "a_b"]),
        (
            IdentityKind::Cpf,
            vec!["529.982.247-26", "52998224752", "11111111111", "5299822472", "529982247255", "5299822472x"],
        ),
    ];
    for (kind, keys) in wrong {
        for key in keys {
            let error = id(kind, key).unwrap_err();
            assert_eq!(error.code(), "identity_key_invalid", "{key}");
            assert!(key.len() < 3 || !format!("{error:?}").contains(key), "{error:?}");
        }
        assert_eq!(id(kind, &"1".repeat(10_000)).unwrap_err().code(), "identity_key_invalid");
    }
}

/// The check digits by the definition: weights 10 to 2 and 11 to 2, a rest below two is 0.
fn check_digits(digits: &[u32]) -> [u32; 2] {
    let digit = |digits: &[u32]| {
        let from = digits.len() as u32 + 1;
        let sum: u32 = digits.iter().enumerate().map(|(at, digit)| digit * (from - at as u32)).sum();
        if sum % 11 < 2 { 0 } else { 11 - sum % 11 }
    };
    let first = digit(digits);
    [first, digit(&[digits, &[first]].concat())]
}

proptest! {
    #[test]
    fn a_cpf_has_exactly_its_own_check_digits(digits in prop::collection::vec(0u32..10, 9), given in 0u32..100) {
        let own = check_digits(&digits);
        let number: String = digits.iter().map(u32::to_string).collect();
        let equal = digits.windows(2).all(|pair| pair[0] == pair[1]) && own == [digits[0]; 2];
        let right = format!("{number}{}{}", own[0], own[1]);
        prop_assert_eq!(id(IdentityKind::Cpf, &right).is_ok(), !equal);
        let other = format!("{number}{given:02}");
        prop_assert_eq!(id(IdentityKind::Cpf, &other).is_ok(), other == right && !equal);
    }

    #[test]
    fn a_normal_form_is_its_own_and_spelling_changes_nothing(
        local in "[a-zA-Z0-9+_-]{1,20}(\\.[a-zA-Z0-9]{1,10}){0,2}", domain in "[a-zA-Z0-9]{1,20}\\.[a-zA-Z]{2,6}",
        number in "[A-Za-z0-9]{1,20}", split in 0usize..20,
    ) {
        let email = format!("{local}@{domain}");
        let (first, second) = number.split_at(split.min(number.len()));
        let spaced = format!("{first} - {second}");
        for (kind, key, other) in
            [(IdentityKind::Email, &email, email.to_uppercase()), (IdentityKind::CustomerNumber, &number, spaced)]
        {
            let normal = normal_form(kind, key, None).unwrap();
            prop_assert_eq!(&normal_form(kind, &other, None).unwrap(), &normal);
            prop_assert_eq!(&normal_form(kind, &normal, None).unwrap(), &normal);
        }
    }

    #[test]
    fn any_text_is_an_id_or_refused(text in "\\PC{0,60}", near in "[+0-9().@a-z -]{0,40}") {
        for kind in IdentityKind::ALL {
            for text in [&text, &near] {
                match id(*kind, text) {
                    Ok(id) => prop_assert_eq!(id.len(), 27),
                    Err(error) => prop_assert_eq!(error.code(), "identity_key_invalid"),
                }
            }
        }
    }
}
