namespace PgMigration;

/// <summary>What a repair does, or under -WhatIf would do, for one column's sequence.</summary>
public enum SequenceAction
{
    /// <summary>Nothing: it stands where it must, or farther.</summary>
    None,

    /// <summary>It is moved forward.</summary>
    Advance,

    /// <summary>The sequence exists, but the column does not take from it: it becomes the column's default, owned by it, and is moved forward.</summary>
    Attach,

    /// <summary>The sequence is made, attached to its column, and moved forward.</summary>
    Create,

    /// <summary>It was left alone on purpose; the detail says why.</summary>
    Skip,

    /// <summary>It is not repaired and inserts may fail; the detail says why. The others go on.</summary>
    Failed,
}
