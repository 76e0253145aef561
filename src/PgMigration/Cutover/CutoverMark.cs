namespace PgMigration;

/// <summary>The two moments of a cutover that have names.</summary>
public enum CutoverMark
{
    /// <summary>An ordinary step.</summary>
    None,

    /// <summary>The target is promoted: from its begin on, going back costs a new restore.</summary>
    Promotion,

    /// <summary>The target opens to the app: from its journalled begin on, there is no going back.</summary>
    PointOfNoReturn,
}
