//! Addresses and keys of ledgers.
use super::ShapeEntry;
use crate::engine::{crypto, seed};

pub(crate) const SHAPES: &[ShapeEntry] = &[
    ShapeEntry {
        name: crypto::DETECTOR,
        class: crypto::CLASS,
        about: "addresses of ledgers: Bitcoin and its kin, Ethereum, Tron, XRP, Monero, Cardano, Stellar, Algorand, Solana",
        source: "BIP-13, BIP-32, BIP-173, BIP-350, EIP-55, SEP-23, XLS-5, CIP-19, SLIP-0173",
        // The genesis block's, and the examples of the standards.
        examples: &[
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
            "pay 3P14159f73E4gFr7JterCCQh9QjiTjiZrG now",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
            "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "wallet 0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
            "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh",
            "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ",
            "stake1uyehkck0lajq8gr28t9uxnuvgcqrc6070x3k9r8048z8y5gh6ffgw",
            "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8",
        ],
        counter_examples: &[
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
            "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
            "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "<34>",
            "<44>",
        ],
    },
    ShapeEntry {
        name: crypto::KEY_DETECTOR,
        class: crypto::KEY_CLASS,
        about: "private keys of ledgers: as wallets import them, extended ones, seeds of XRP and Stellar",
        source: "BIP-32, BIP-38, SEP-23",
        // The first vectors of the standards.
        examples: &[
            "key 5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ",
            "6PRVWUbkzzsbcVac2qwfssoUJAN1Xhrg6bNk8J7Nzm5H7kxEbn2Nh2ZoGg",
            "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi",
            "snoPBrXtMeMyMHUVTgbuqAfg1SUTb",
        ],
        counter_examples: &["<51>", "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTK"],
    },
    ShapeEntry {
        name: seed::DETECTOR,
        class: seed::CLASS,
        about: "phrases of words that wallets are restored from (BIP-39, English), behind the word for one",
        source: "BIP-39 and its English list",
        // The first vectors of the standard.
        examples: &[
            "mnemonic: abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
            "seed phrase is legal winner thank year wave sausage worth useful legal winner thank yellow",
            "recovery [\"legal\", \"winner\", \"thank\", \"year\", \"wave\", \"sausage\", \"worth\", \"useful\", \"legal\", \"winner\", \"thank\", \"yellow\"]",
        ],
        counter_examples: &[
            "seed the random number generator with this value and then run it",
            "legal winner thank year wave sausage worth useful legal winner thank yellow",
            "recovery abandon abandon abandon",
        ],
    },
];
