using System.Management.Automation;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace PgMigration.Cmdlets.Tests;

/// <summary>
/// <c>$report.Steps[0]</c> is the first step. The engine indexes arrays and lists; what a collection expression makes for an IReadOnlyList
/// is neither to it: there <c>[0]</c> is the whole of it, without an error.
/// </summary>
public sealed class OutputListTests : IDisposable
{
    private readonly HostedEngine _engine = HostedEngine.WithModule();

    [Fact]
    public void Each_list_of_an_object_that_a_cmdlet_writes_can_be_indexed_by_a_script()
    {
        var written = _engine.Run("Get-Command -Module PgMigration").SelectMany(command => ((CmdletInfo)command.BaseObject).OutputType).Select(output => output.Type!).Distinct();
        var lists = written.SelectMany(ListsOf).Distinct().ToList();
        Assert.NotEmpty(lists);

        Assert.Empty(lists.Where(list => !CanBeIndexed(list)).Select(list => $"{list.DeclaringType!.Name}.{list.Name}"));
    }

    public void Dispose() => _engine.Dispose();

    private static IEnumerable<PropertyInfo> ListsOf(Type type) => type.IsAbstract || !type.FullName!.StartsWith("PgMigration.", StringComparison.Ordinal) ? [] :
        type.GetProperties().Where(property => property.SetMethod is not null && property.PropertyType.IsGenericType && property.PropertyType.GetGenericTypeDefinition() == typeof(IReadOnlyList<>))
            .SelectMany(property => ListsOf(property.PropertyType.GenericTypeArguments[0]).Prepend(property));

    private bool CanBeIndexed(PropertyInfo property)
    {
        object written = RuntimeHelpers.GetUninitializedObject(property.DeclaringType!);
        var element = property.PropertyType.GenericTypeArguments[0];
        object list = typeof(OutputListTests).GetMethod(nameof(TwoOf), BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(element).Invoke(null, null)!;
        property.SetValue(written, list);
        return !(bool)_engine.Run("param($list) [object]::ReferenceEquals($list[0], $list)", property.GetValue(written)!)[0].BaseObject;
    }

    private static IReadOnlyList<T> TwoOf<T>()
    {
        T one = default!;
        return [one, one];
    }
}
